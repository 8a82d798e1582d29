/** Reads what Telnyx answers to a command. */
import type { Answer } from './outcome.ts';
import { redactError } from './redact-error.ts';
import type { PlainResponse } from './transport.ts';

export async function answerOf(
  response: PlainResponse,
  secrets: () => readonly string[],
): Promise<Answer> {
  const { status } = response;
  let text = '';
  try {
    text = await response.body.text();
  } catch (error) {
    // The status of a truncated answer is still valid, except for 4xx, whose code was in the body,
    // and for a page, which is not from Telnyx's API.
    const tells = status < 400 || status >= 500 || status === 429 || tooLarge(error);
    if (!tells || (status <= 299 && isPage(response))) throw error;
  }
  if (status >= 200 && status <= 299 && isNotTelnyx(text)) {
    throw new Error(
      `HTTP ${status} with a body that is not Telnyx's JSON: a proxy or a portal answers in its place`,
    );
  }
  return {
    status,
    body: jsonOf(status < 400 ? text : redactError(text, secrets())),
    rateLimitReset: response.headers.get('x-ratelimit-reset'),
    retryAfter: retryAfterOf(response.headers),
  };
}

/**
 * Seconds, as text. RFC 9110 (10.2.3) also allows a date, which is compared with that of the
 * answer, because our clock may be wrong.
 */
export function retryAfterOf(headers: PlainResponse['headers']): string | null {
  const given = headers.get('retry-after');
  if (given === null || !given.endsWith('GMT')) return given;
  const written = Date.parse(headers.get('date') ?? '');
  const waitMs = Date.parse(given) - (Number.isNaN(written) ? Date.now() : written);
  return String(Math.max(0, Math.ceil(waitMs / 1000)));
}

/**
 * A server that answers with HTML is not Telnyx's API, so it executed nothing. An empty or
 * truncated answer may still be from Telnyx, and then its status counts.
 */
function isNotTelnyx(text: string): boolean {
  return /^\s*[^\s{]/.test(text);
}

function isPage({ headers }: PlainResponse): boolean {
  return /^\s*text\/html\b/i.test(headers.get('content-type') ?? '');
}

function tooLarge(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE'
  );
}

/** Null where it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
