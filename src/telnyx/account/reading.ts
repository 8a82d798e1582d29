/** What Telnyx's answer to a request about the account says. */
import type { Reading } from '../../core/account/account.ts';
import { asObject, type Fields } from '../fields.ts';
import { detailOf, waitMs } from '../outcome.ts';
import { jsonOf, retryAfterOf } from '../read-answer.ts';
import { redactError } from '../redact-error.ts';
import type { PlainResponse } from '../transport.ts';

export interface Read {
  reading: Reading<Fields>;
  /** When to repeat the request; null if that would not help. */
  againMs: number | null;
}

/** Somebody at a terminal is waiting for the result. */
const WAIT_MS_MAX = 10_000;

export function readingOf(
  { status, headers }: Pick<PlainResponse, 'status' | 'headers'>,
  text: string,
  { apiKey, retryMs }: { apiKey: string; retryMs: number },
): Read {
  const parsed = jsonOf(status < 400 ? text : redactError(text, [apiKey]));
  const done = (reading: Reading<Fields>): Read => ({ reading, againMs: null });
  if (status >= 200 && status <= 299) {
    const value = asObject(parsed);
    if (value !== null) return done({ end: 'value', value });
    return done(
      unreachable(
        `HTTP ${status} with a body that is not Telnyx's JSON: a proxy or a portal answers`,
      ),
    );
  }
  const why = detailOf(status, parsed);
  if (status === 401 || status === 403) return done({ end: 'denied', status, why });
  if (status === 404) return done({ end: 'missing', why });
  if (status === 429) {
    const wait = waitMs(headers.get('x-ratelimit-reset'), retryAfterOf(headers));
    return { reading: unreachable(why), againMs: Math.min(wait ?? retryMs, WAIT_MS_MAX) };
  }
  return { reading: unreachable(why), againMs: status >= 500 ? retryMs : null };
}

export function unreachable(why: string): { end: 'unreachable'; why: string } {
  return { end: 'unreachable', why };
}
