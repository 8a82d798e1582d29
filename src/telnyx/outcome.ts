/**
 * The outcome of a command from Telnyx's answer, or from the failure to get one: a pure table,
 * tested with every status and code. There are four outcomes: accepted, rejected, retry, unknown.
 */
import { decodeEnvelope } from '../core/machine/client-state.ts';
import type { Action, Outcome } from '../core/machine/command.ts';
import { asObject, type Fields, filled } from './fields.ts';

/**
 * The relevant parts of an HTTP answer. `body` is parsed JSON, or null if it is absent or not JSON.
 */
export interface Answer {
  status: number;
  body: unknown;
  /** `x-ratelimit-reset`: seconds until the limit is lifted (Telnyx's rate limiting page). */
  rateLimitReset: string | null;
  retryAfter: string | null;
}

/** The call has ended: 90018; 90015 and 10005 if Telnyx has already forgotten its id. */
const CALL_ENDED_CODES: ReadonlySet<string> = new Set(['90018', '90015', '10005']);
const NOT_ANSWERED_CODE = '90034';
/** "Resource is being processed, retry later", whatever the status is. */
const BUSY_CODE = '10036';
/** Authentication failed, not permitted. */
const KEY_CODES: ReadonlySet<string> = new Set(['10009', '10010']);
/** Redirects, which mean that the server did nothing and names another address. */
const MOVED_STATUSES: ReadonlySet<number> = new Set([301, 302, 307, 308]);

const WAIT_MS_MAX = 60_000;
const DETAIL_CHARACTERS_MAX = 300;

export function outcomeOfAnswer(action: Action, answer: Answer): Outcome {
  const error = telnyxError(answer.body);
  const outcome = classify(action, answer, error);
  if (action === 'probe') return asProbe(outcome, answer.body);
  // Only a complete list answers this probe; see active-calls.ts.
  return action === 'active_calls'
    ? { kind: 'unknown', detail: detailOfError(answer.status, error) }
    : outcome;
}

function classify(action: Action, answer: Answer, error: TelnyxError | null): Outcome {
  const { status } = answer;
  // The body does not matter: it may be truncated, and the status decides.
  if (status >= 200 && status <= 299) return { kind: 'accepted', status, alive: null };
  const detail = detailOfError(status, error);
  // The rate limit is checked before anything is executed, so the 55 s of the command_id have not
  // begun.
  if (status === 429) {
    return {
      kind: 'retry',
      status,
      detail,
      afterMs: waitMs(answer.rateLimitReset, answer.retryAfter),
      provenUnsent: true,
    };
  }
  // 5xx and 408 do not say whether the command was executed; 10036 says "later".
  if (status < 300 || status >= 500 || status === 408 || error?.codes.includes(BUSY_CODE)) {
    return { kind: 'retry', status, detail, afterMs: null, provenUnsent: false };
  }
  return {
    kind: 'rejected',
    status,
    code: error?.code ?? null,
    detail,
    callEnded: error?.codes.some((code) => CALL_ENDED_CODES.has(code)) ?? false,
    notAnswered: error?.codes.includes(NOT_ANSWERED_CODE) ?? false,
    misconfigured: misconfigured(action, status, error),
  };
}

/** Names the setting to fix if the key or the address is wrong. */
function misconfigured(action: Action, status: number, error: TelnyxError | null): string | null {
  if (status === 401) return 'TELNYX_API_KEY';
  if (status === 403) {
    if (error === null) return 'TELNYX_API_KEY';
    // A call that the account may not make is also answered 403 with 10010, although the key is
    // right.
    return action !== 'transfer' && KEY_CODES.has(error.code) ? 'TELNYX_API_KEY' : null;
  }
  // A 404 without Telnyx's error body, or a redirect, does not come from the API.
  if (status === 404 && error === null) return 'TELNYX_API_URL';
  if (MOVED_STATUSES.has(status)) return 'TELNYX_API_URL';
  return null;
}

/** A probe's outcome is live or ended; with anything else the state machine probes again. */
function asProbe(outcome: Outcome, body: unknown): Outcome {
  if (outcome.kind === 'rejected' && outcome.callEnded) return outcome;
  if (outcome.kind !== 'accepted') return { kind: 'unknown', detail: outcome.detail };
  const { is_alive: alive, client_state: state } = asObject(asObject(body)?.data) ?? {};
  return typeof alive === 'boolean'
    ? { ...outcome, alive, envelope: decodeEnvelope(filled(state)) }
    : { kind: 'unknown', detail: `HTTP ${outcome.status} without data.is_alive` };
}

/**
 * No answer. Whether the request may have reached Telnyx decides about the 55 s window. `begun`:
 * its first byte may have been written. If not, nothing was sent, whatever the error is: a load
 * balancer that resets connections before TLS gives the same error as one that resets them after a
 * request.
 */
export function outcomeOfFailure(action: Action, failure: unknown, begun = true): Outcome {
  const errors = errorChain(failure);
  const detail = detailOfErrors(errors);
  if (action === 'probe' || action === 'active_calls') return { kind: 'unknown', detail };
  const provenUnsent = !begun || errors.some(beforeAnythingWasSent);
  return { kind: 'retry', status: null, detail, afterMs: null, provenUnsent };
}

/** These codes mean that there was no connection, so no byte of the request was sent. */
const UNCONNECTED_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  // The certificate was refused in the handshake.
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

function beforeAnythingWasSent(error: ErrorFacts): boolean {
  // EHOSTUNREACH and ETIMEDOUT can also end an established connection; only from connect(2) do they
  // prove that nothing was sent.
  return (
    (error.code !== null && UNCONNECTED_CODES.has(error.code)) ||
    error.syscall === 'connect' ||
    error.syscall === 'getaddrinfo'
  );
}

interface TelnyxError {
  /** Of the first error; always text, although some bodies hold an integer. */
  code: string;
  codes: string[];
  text: string;
}

/** Telnyx's error body, `{ errors: [{ code, title, detail? }] }`; null if it is not from Telnyx. */
function telnyxError(body: unknown): TelnyxError | null {
  const list = asObject(body)?.errors;
  if (!Array.isArray(list)) return null;
  const codes: string[] = [];
  let text = '';
  for (const entry of list.slice(0, 20)) {
    const error = asObject(entry) ?? {};
    const code = codeText(error.code);
    if (code === null) continue;
    if (codes.length === 0) text = textOf(error);
    codes.push(code);
  }
  const [code] = codes;
  return code === undefined ? null : { code, codes, text };
}

function codeText(code: unknown): string | null {
  if (typeof code === 'number' && Number.isInteger(code)) return String(code);
  return typeof code === 'string' && code.length > 0 ? code.slice(0, 32) : null;
}

function textOf({ title, detail }: Fields): string {
  const parts = [title, detail].filter((part) => typeof part === 'string');
  return [...new Set(parts)].join(': ');
}

/** An answer in one line. */
export function detailOf(status: number, body: unknown): string {
  return detailOfError(status, telnyxError(body));
}

function detailOfError(status: number, error: TelnyxError | null): string {
  if (error === null) return `HTTP ${status} without a Telnyx error body`;
  return clip(`HTTP ${status}, Telnyx ${error.code}${error.text === '' ? '' : ` ${error.text}`}`);
}

/** The wait in milliseconds, from the first readable header of a 429. */
export function waitMs(...headers: (string | null)[]): number | null {
  for (const text of headers) {
    if (text === null || !/^\d{1,9}(\.\d+)?$/.test(text.trim())) continue;
    return Math.min(Math.ceil(Number(text) * 1000), WAIT_MS_MAX);
  }
  return null;
}

interface ErrorFacts {
  name: string;
  code: string | null;
  syscall: string | null;
  message: string;
}

/** An error with its causes and, for several addresses, the error of each; bounded. */
function errorChain(failure: unknown): ErrorFacts[] {
  const found: ErrorFacts[] = [];
  const waiting: unknown[] = [failure];
  while (waiting.length > 0 && found.length < 10) {
    const error = waiting.shift();
    if (!(error instanceof Error)) continue;
    const { code, syscall, errors } = error as Error & Record<string, unknown>;
    found.push({
      name: error.name,
      code: typeof code === 'string' ? code : null,
      syscall: typeof syscall === 'string' ? syscall : null,
      message: error.message,
    });
    waiting.push(error.cause, ...(Array.isArray(errors) ? errors : []));
  }
  return found;
}

/** Why there was no answer, in one line. */
export function failureDetail(failure: unknown): string {
  return detailOfErrors(errorChain(failure));
}

function detailOfErrors(errors: ErrorFacts[]): string {
  const timeout = errors.find((error) => error.name === 'TimeoutError');
  if (timeout !== undefined) return clip(timeout.message);
  const coded = errors.find((error) => error.code !== null);
  if (coded?.code === 'EMFILE') {
    return clip(`too many files are open here to ask Telnyx: raise ulimit -n (${coded.message})`);
  }
  if (coded !== undefined) return clip(`no answer from Telnyx: ${coded.code} ${coded.message}`);
  return clip(`no answer from Telnyx: ${errors.at(-1)?.message ?? 'unknown failure'}`);
}

function clip(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, DETAIL_CHARACTERS_MAX);
}
