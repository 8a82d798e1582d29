/** What the errors of PostgreSQL and of the way to it mean for a commit and for an operator. */
import pg from 'pg';
import { RefereeError, type StoreTrouble, StoreUnavailable } from '../../errors.ts';

/** Errors that the work itself threw, between its queries: they say nothing about the server. */
export const thrownBetween = new WeakSet<Error>();

/** Nothing was sent to the server. */
export class NotConnected extends StoreUnavailable {}

/**
 * The server refused and is still there, so nothing was stored. One that is shutting down (57P..)
 * may have committed.
 */
export function isAnswer(error: unknown): boolean {
  return sqlState(error) !== null && !/^57P|^08/.test(sqlState(error) ?? '');
}

/**
 * Whether a connection with this error must not be used again. If its last answer never arrived, it
 * would hand it to the next query. One that refuses writes may lead to what was the primary, or its
 * session may have begun while the database was read-only, and neither ends by itself.
 */
export function isSpent(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  return !isAnswer(error) || state === READ_ONLY || ENDED_SESSION.test(state);
}

const READ_ONLY = '25006';
/** The server rolled back and ended the session: its time limits for transactions. */
const ENDED_SESSION = /^25P0[34]/;
/** Of the role, the database or the whole server. */
export const NONE_LEFT = '53300';

/** Null if the server did not send it: `EPIPE` has five letters too. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

/**
 * https://www.postgresql.org/docs/current/errcodes-appendix.html: classes that are about the
 * server, not about our code.
 */
const MEANINGS: [RegExp, string][] = [
  [/^28/, 'refuses the user or the password of DATABASE_URL'],
  [/^3D/, 'has no such database: create it, or name another in DATABASE_URL'],
  [/^53100/, 'its disk is full'],
  [/^53300/, 'has no connection left: raise max_connections or put a pooler in between'],
  [/^53/, 'is out of resources'],
  [/^25006/, 'is read-only: DATABASE_URL must name the primary'],
  [/^57014|^55P03|^25P0[34]/, 'took too long'],
  [/^57P|^08/, 'is stopping or starting'],
  [/^58|^XX/, 'has an internal error, see its log'],
  [/^3F/, "has no schema to keep our tables in: see the user's search_path"],
  [/^42P01/, 'lacks our tables'],
  // No event can cause these, so none may become a dead letter for them.
  [/^42883|^42703/, 'lacks a function or a column of ours: it has those of another release'],
  [
    /^42501/,
    'lacks our tables or the right to use them: the user must own them, and may need "grant usage, create on schema"',
  ],
  [/^42P07|^42710/, 'holds tables of another program: give Referee a database of its own'],
  [/^40/, 'could not serialise simultaneous changes'],
];

/** When the server did not answer: what the operating system says, by code or message. */
const UNREACHED: [RegExp, string][] = [
  [/^ENOTFOUND|^EAI_/, 'the host of DATABASE_URL is not a name that resolves'],
  [/^E(HOST|NET)UNREACH/, 'no network route leads to its address'],
  [/^ENOENT .*\bconnect\b/, 'there is no such socket'],
  [/^(ENOENT|EACCES) .*\bopen\b/, 'a file that DATABASE_URL names cannot be read'],
  [/CERT|certificate|self.signed|ERR_TLS|ERR_SSL/i, 'its certificate is not accepted'],
  [/does not support SSL/, 'it does not speak TLS, which DATABASE_URL asks for'],
  [/password must be a string/, 'it requires a password, but DATABASE_URL has none'],
  [/timeout/i, 'it does not answer in time'],
];

/** An error of the server becomes StoreUnavailable; an error of our own code stays what it is. */
export function explain(error: unknown, where: string): unknown {
  if (error instanceof RefereeError) return error;
  if (error instanceof Error && thrownBetween.has(error)) return error;
  const state = sqlState(error);
  if (state === null) {
    // Errors of sockets, time limits and the protocol have no SQLSTATE; neither have mistakes in
    // this code.
    if (error instanceof TypeError || error instanceof RangeError) return error;
    return new StoreUnavailable(...unreached(error, where));
  }
  const meaning = MEANINGS.find(([pattern]) => pattern.test(state))?.[1];
  if (meaning === undefined) return error;
  return new StoreUnavailable(meaning, { where, said: saidBy(error), cause: error });
}

export function saidBy(error: unknown): string {
  return `${sqlState(error)} ${(error as Error).message}`;
}

export function unreached(error: unknown, where: string): [string, StoreTrouble] {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const meaning = UNREACHED.find(([pattern]) => pattern.test(`${code} ${message}`.trim()))?.[1];
  const words = `cannot be reached${meaning === undefined ? '' : `: ${meaning}`}`;
  return [words, { where, said: message || code || 'no reason given', cause: error }];
}
