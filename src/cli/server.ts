/** The running server that REFEREE_URL names, asked through its API with REFEREE_TOKEN. */
import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { withEnvFile } from '../config/config.ts';
import { unquoted } from '../config/values.ts';
import { RefereeError } from '../errors.ts';
import type { Io } from './io.ts';

export interface Server {
  url: string;
  /** What is undefined is not asked for. Rejects with a RefereeError that says what is wrong. */
  get<Schema extends TSchema>(path: string, query: Query, schema: Schema): Promise<Static<Schema>>;
  /** Null if the server knows none. */
  find<Schema extends TSchema>(path: string, schema: Schema): Promise<Static<Schema> | null>;
}

type Query = Record<string, string | number | undefined>;

const TIMEOUT_MS = 30_000;

/** Null if REFEREE_URL is not set: then commands read the database. */
export function serverOf(io: Io): Server | null {
  const env = withEnvFile(io.env);
  const url = unquoted(env.REFEREE_URL ?? '').replace(/\/+$/, '');
  if (url === '') return null;
  const token = tokenOf(env);
  const wrong = wrongUrl(url) ?? wrongToken(token);
  if (wrong !== null) throw new RefereeError('BAD_SERVER', wrong);

  const ask = (path: string): Promise<Response> =>
    request(`${url}${path}`, url, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      // A token is not carried elsewhere.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });

  async function checked<Schema extends TSchema>(
    response: Response,
    schema: Schema,
  ): Promise<Static<Schema>> {
    const body = await bodyOf(response, url);
    if (Check(schema, body)) return body;
    throw refused(
      `${url} answered with something else than expected; is it a server of Referee, of the same release as this command?`,
    );
  }

  return {
    url,
    async get(path, query, schema) {
      return checked(await ask(`${path}${searchOf(query)}`), schema);
    },
    async find(path, schema) {
      const response = await ask(path);
      if (response.status !== 404) return checked(response, schema);
      const { reason } = await problemOf(response);
      if (reason === 'no_such_call') return null;
      throw refused(`${url} answered 404; REFEREE_URL must name the address of Referee's API`);
    },
  };
}

export function tokenOf(env: Record<string, string | undefined>): string {
  return unquoted(env.REFEREE_TOKEN || env.ADMIN_TOKEN || '');
}

/** Rejects with a RefereeError that names the `server` where nobody answers. */
export async function request(url: string, server: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw refused(`${server} does not answer: ${whyOf(error)}; is the server running there?`);
  }
}

function refused(message: string): RefereeError {
  return new RefereeError('SERVER_REFUSED', message);
}

function wrongUrl(url: string): string | null {
  const parsed = URL.parse(url);
  // The value is not repeated, because it may hold a password.
  if (parsed?.username || parsed?.password) {
    return 'REFEREE_URL: expected http://host:port without a user; the token belongs in REFEREE_TOKEN';
  }
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.search === '') return null;
  return 'REFEREE_URL: expected http://host:port or https://host';
}

function wrongToken(token: string): string | null {
  if (token === '') return 'set REFEREE_TOKEN to a token of the server that REFEREE_URL names';
  // Node repeats a header that it refuses in its message.
  return /^[\x21-\x7e]+$/.test(token)
    ? null
    : 'REFEREE_TOKEN: a token has no spaces and only ASCII characters';
}

function searchOf(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? '' : `?${search}`;
}

async function bodyOf(response: Response, url: string): Promise<unknown> {
  if (!response.ok) {
    const { detail } = await problemOf(response);
    throw refused(`${url} answered ${response.status}${detail === null ? '' : `: ${detail}`}`);
  }
  return jsonOf(response, url);
}

export async function jsonOf(response: Response, url: string): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw refused(
      `${url} answered ${response.status}, but not with JSON (${whyOf(error)}); REFEREE_URL must name the address of Referee's API`,
    );
  }
}

export async function problemOf(
  response: Response,
): Promise<{ reason: string | null; detail: string | null }> {
  const body: unknown = await response.json().catch(() => null);
  const { reason, detail } = (body ?? {}) as Record<string, unknown>;
  return {
    reason: typeof reason === 'string' ? reason : null,
    detail: typeof detail === 'string' ? detail : null,
  };
}

/** `fetch failed` says nothing; its cause does. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || ('code' in cause ? String(cause.code) : error.message);
}
