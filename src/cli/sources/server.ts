/** The API client that all commands use to ask a running server. */
import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { withEnvFile } from '../../config/env-file.ts';
import { unquoted } from '../../config/values.ts';
import { RefereeError } from '../../errors.ts';
import type { Io } from '../terminal/io.ts';

export interface Server {
  url: string;
  /**
   * Query parameters that are undefined are left out. Rejects with ServerRefused, which says what
   * is wrong.
   */
  get<Schema extends TSchema>(path: string, query: Query, schema: Schema): Promise<Static<Schema>>;
  /** Null if the server answers 404. */
  find<Schema extends TSchema>(path: string, schema: Schema): Promise<Static<Schema> | null>;
  /** Resolves with the parsed answer. */
  post(path: string, body: unknown): Promise<unknown>;
}

type Query = Record<string, string | number | undefined>;

interface ServerAt {
  url: string;
  token: string;
  /** The setting or option that named the address, for messages. */
  namedBy: string;
  timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 30_000;

/** The server did not answer, refused, or sent something unexpected. */
export class ServerRefused extends RefereeError {
  /** The HTTP status; null: no answer. */
  readonly status: number | null;
  /** The server's own explanation; null if it gave none. */
  readonly detail: string | null;

  constructor(message: string, status: number | null, detail: string | null = null) {
    super('SERVER_REFUSED', message);
    this.status = status;
    this.detail = detail;
  }
}

export function serverAt({ url: given, token, namedBy, timeoutMs = TIMEOUT_MS }: ServerAt): Server {
  // A proxy may serve the API below a path.
  const url = given.replace(/\/+$/, '');
  const elsewhere = `${namedBy} must name the address of Referee's API`;

  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    try {
      return await fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...init.headers },
        // Redirects are not followed, because the token must not be sent to another server.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      const words = `${url} does not answer: ${whyOf(error)}; is the server running there?`;
      throw new ServerRefused(words, null);
    }
  }

  async function answered(response: Response): Promise<unknown> {
    const { status } = response;
    if (!response.ok) {
      const { detail } = await problemOf(response);
      const words = `${url} answered ${status}${detail === null ? '' : `: ${detail}`}`;
      throw new ServerRefused(words, status, detail);
    }
    try {
      return await response.json();
    } catch (error) {
      const words = `${url} answered ${status}, but not with JSON (${whyOf(error)}); ${elsewhere}`;
      throw new ServerRefused(words, status);
    }
  }

  async function checked<Schema extends TSchema>(
    response: Response,
    schema: Schema,
  ): Promise<Static<Schema>> {
    const body = await answered(response);
    if (Check(schema, body)) return body;
    const words = `${url} gave an unexpected answer; is it a Referee server of the same release as this command?`;
    throw new ServerRefused(words, response.status);
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
      throw new ServerRefused(`${url} answered 404; ${elsewhere}`, 404);
    },
    async post(path, body) {
      const headers = { 'content-type': 'application/json' };
      return answered(await ask(path, { method: 'POST', headers, body: JSON.stringify(body) }));
    },
  };
}

/**
 * The server that REFEREE_URL names; null if it is not set, and commands then read the database.
 */
export function serverOf(io: Io, timeoutMs?: number): Server | null {
  const env = withEnvFile(io.env);
  const url = unquoted(env.REFEREE_URL ?? '');
  if (url === '') return null;
  return checkedServer({ url, token: tokenOf(env), namedBy: 'REFEREE_URL', timeoutMs });
}

/** Throws a RefereeError if the address or the token cannot be right. */
export function checkedServer(at: ServerAt): Server {
  const wrong = wrongUrl(at) ?? wrongToken(at);
  if (wrong !== null) throw new RefereeError('BAD_SERVER', wrong);
  return serverAt(at);
}

export function tokenOf(env: Record<string, string | undefined>): string {
  return unquoted(env.REFEREE_TOKEN || env.ADMIN_TOKEN || '');
}

/** The address of a server with these settings, for use on the same machine. */
export function ownAddress(host: string, port: string | number): string {
  const own = host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${own.includes(':') ? `[${own}]` : own}:${port}`;
}

/** Why this cannot be the address of a server; null if it can. */
export function wrongUrl({ url, namedBy }: Pick<ServerAt, 'url' | 'namedBy'>): string | null {
  const parsed = URL.parse(url);
  // The value is not repeated, because it may hold a password.
  if (parsed?.username || parsed?.password) {
    return `${namedBy}: expected http://host:port without a user; the token belongs in REFEREE_TOKEN`;
  }
  const rest = parsed === null ? '' : parsed.search + parsed.hash;
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && rest === '') return null;
  if (/\[[^\]]*%/.test(url)) {
    return `${namedBy}: the address names a network interface after %, which a URL cannot; give another address of the server with --server http://host:port`;
  }
  return `${namedBy}: expected http://host:port or https://host`;
}

function wrongToken({ token, namedBy }: ServerAt): string | null {
  if (token === '') {
    return `set REFEREE_TOKEN or ADMIN_TOKEN to a token of the server that ${namedBy} names`;
  }
  // Checked here, because Node's own error message would contain the token.
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

async function problemOf(
  response: Response,
): Promise<{ reason: string | null; detail: string | null }> {
  const body: unknown = await response.json().catch(() => null);
  const { reason, detail } = (body ?? {}) as Record<string, unknown>;
  return {
    reason: typeof reason === 'string' ? reason : null,
    detail: typeof detail === 'string' ? detail : null,
  };
}

/** The message of fetch is only "fetch failed"; its cause says more. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || ('code' in cause ? String(cause.code) : error.message);
}
