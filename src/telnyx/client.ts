/**
 * Sends one command to Telnyx and returns its outcome. Never throws, and always has a time limit.
 */
import { createFetch } from 'ofetch';
import type { Outcome, TelnyxCommand } from '../core/machine/command.ts';
import { addressOf } from './api-address.ts';
import { findBLeg } from './find-b-leg.ts';
import { outcomeOfAnswer, outcomeOfFailure } from './outcome.ts';
import { createReach } from './reach.ts';
import { answerOf } from './read-answer.ts';
import {
  type Environment,
  requestOf,
  secretsOf,
  type TelnyxRequest,
  UnsetVariable,
} from './request.ts';
import {
  createTransport,
  type Gated,
  headersFor,
  IDLE_MS,
  NotWritten,
  type PlainResponse,
  type ProxyAddress,
} from './transport.ts';
import { createWarmth, WARM_CONNECTIONS } from './warmth.ts';

export interface TelnyxClient {
  /**
   * `mayWrite` is called in the same turn of the event loop that writes the request. If it returns
   * false, nothing is written, and the outcome is proven unsent.
   */
  send(command: TelnyxCommand, mayWrite?: () => boolean): Promise<Outcome>;
  /** How long the connections that are kept warm have been idle. */
  quietMs(): number;
  /**
   * Sends one harmless request, never a command, on each of those connections. Sends nothing while
   * Telnyx refuses the key or limits our rate. Never rejects; the answers are not used.
   */
  warm(): Promise<void>;
  /** Aborts the requests in flight. */
  close(): Promise<void>;
}

export interface TelnyxClientOptions {
  /** `https://api.telnyx.com/v2`; http only on loopback. */
  apiUrl: string;
  apiKey: string;
  /** From the request to the last byte of the answer. */
  timeoutMs?: number;
  /** The proxy for requests; null: none. */
  proxy?: ProxyAddress | null;
  connectionsMax?: number;
  /** How often `warm` is called in quiet times; idle connections are kept longer than that. */
  keepWarmMs?: number;
  /** Where the `${NAME}` of a target's auth are looked up when the request is sent. */
  env?: Environment;
  /** Telnyx answers again, after `awayMs` in which it did not. */
  onBack?: (awayMs: number) => void;
}

/** Telnyx usually answers within a second; after this time the command is tried again. */
export const REQUEST_TIMEOUT_MS = 5_000;
const PROBE_TIMEOUT_MS = 3_000;
/** A small answer that concerns no call. The account check requests it too. */
const WARM_PATH = '/public_key';
/** How much longer than the interval of `warm` an idle connection is kept. */
const WARM_MARGIN_MS = 5_000;
/** Most answers are a few hundred bytes; a page of 250 live legs may have 400 KB. */
const BODY_BYTES_MAX = 1024 * 1024;
/**
 * As many as the dispatcher sends at once: while a request waits for a connection, its timeout
 * already runs.
 */
export const CONNECTIONS_MAX = 256;

export function createTelnyxClient(options: TelnyxClientOptions): TelnyxClient {
  const env = options.env ?? process.env;
  const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
  const askingMs = Math.min(PROBE_TIMEOUT_MS, timeoutMs);
  const { transport, api } = openApi(options, timeoutMs);
  const clock = () => performance.now();
  const warmth = createWarmth(clock);
  const reach = createReach({ clock, onBack: options.onBack ?? (() => {}) });

  async function ask(path: string, init: Asked, secrets: () => readonly string[]) {
    const end = warmth.begin();
    try {
      return await answerOf(await respond(path, init), secrets);
    } finally {
      end();
    }
  }

  async function respond(path: string, init: Asked): Promise<PlainResponse> {
    const { answered, unanswered } = reach.begin();
    try {
      // ofetch passes unknown options on.
      const response: unknown = await api.raw(path, init);
      answered();
      return response as PlainResponse;
    } catch (error) {
      if (!isNotWritten(error)) unanswered();
      throw error;
    }
  }

  async function send(command: TelnyxCommand, mayWrite?: () => boolean): Promise<Outcome> {
    let request: TelnyxRequest;
    try {
      request = requestOf(command, env);
    } catch (error) {
      return unmakeable(error);
    }
    const { method, body } = request;
    const asks = command.action === 'probe' || command.action === 'active_calls';
    const timeout = startTimeout(asks ? askingMs : timeoutMs);
    let begun = false;
    const gate = () => {
      const may = mayWrite?.() ?? true;
      begun ||= may;
      return may;
    };
    const init = { method, body, signal: timeout.signal, mayWrite: gate };
    const secrets = () => [options.apiKey, ...secretsOf(command, env)];
    try {
      if (command.action === 'active_calls') {
        return await findBLeg(command, request.path, (path) => ask(path, init, secrets));
      }
      return outcomeOfAnswer(command.action, await ask(request.path, init, secrets));
    } catch (error) {
      return isNotWritten(error) ? NOT_WRITTEN : outcomeOfFailure(command.action, error, begun);
    } finally {
      timeout.stop();
    }
  }

  async function warmOne(): Promise<void> {
    const timeout = startTimeout(askingMs);
    try {
      const init = { method: 'GET', signal: timeout.signal };
      warmth.answer(await ask(WARM_PATH, init, () => [options.apiKey]));
    } catch {
      // A failure here is ignored: the next `warm` tries again, and commands report their own
      // failures.
    } finally {
      timeout.stop();
    }
  }

  return {
    async send(command, mayWrite) {
      const outcome = await send(command, mayWrite);
      warmth.outcome(outcome);
      return outcome;
    },
    quietMs: warmth.quietMs,
    async warm() {
      if (!warmth.mayAsk()) return;
      await Promise.all(Array.from({ length: WARM_CONNECTIONS }, warmOne));
    },
    close: () => transport.close(),
  };
}

interface Asked extends Gated {
  method: string;
  body?: TelnyxRequest['body'];
  signal: AbortSignal;
}

function openApi(options: TelnyxClientOptions, timeoutMs: number) {
  const { origin, base } = addressOf(options.apiUrl);
  const limits = {
    connectionsMax: options.connectionsMax ?? CONNECTIONS_MAX,
    // Shorter than the request's timeout: if connecting fails, it is certain that nothing was sent.
    connectTimeoutMs: Math.ceil(timeoutMs * 0.6),
    bodyBytesMax: BODY_BYTES_MAX,
    idleMs: Math.max(IDLE_MS, (options.keepWarmMs ?? 0) + WARM_MARGIN_MS),
  };
  const transport = createTransport(origin, limits, options.proxy);
  const api = createFetch({
    // ofetch only uses what PlainResponse has (status, headers.get, body).
    fetch: transport.request as unknown as typeof fetch,
    defaults: {
      baseURL: base,
      headers: headersFor(options.apiKey),
      // The dispatcher decides about retries: it knows the lease, the 55 s of the command_id and
      // how long the caller will wait.
      retry: 0,
      // The transport does not follow redirects either; outcome.ts classifies a 3xx.
      redirect: 'error',
      ignoreResponseError: true,
      responseType: 'stream',
    },
  });
  return { transport, api };
}

const NOT_WRITTEN: Outcome = {
  kind: 'retry',
  status: null,
  detail: 'not written: it may not be sent any more',
  afterMs: null,
  provenUnsent: true,
};

function isNotWritten(error: unknown): boolean {
  return error instanceof Error && (error instanceof NotWritten || isNotWritten(error.cause));
}

/** Nothing was sent: a variable is not set, or no request can be made from the command. */
function unmakeable(error: unknown): Outcome {
  const variable = error instanceof UnsetVariable ? error.variable : null;
  return {
    kind: 'rejected',
    status: 0,
    code: null,
    detail:
      variable === null
        ? `not sent: ${error instanceof Error ? error.message : String(error)}`
        : `not sent: the environment variable ${variable}, which the target's auth names, is not set`,
    callEnded: false,
    notAnswered: false,
    misconfigured: variable,
  };
}

/** Covers the whole request: ofetch's own `timeout` ends with the headers, and a body may stall. */
function startTimeout(ms: number): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let last: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // A process that was stopped sees its timers first, and then what has arrived meanwhile.
    last = setImmediate(() => {
      const error = new Error(`no answer from Telnyx within ${ms} ms`);
      error.name = 'TimeoutError';
      controller.abort(error);
    });
  }, ms);
  const stop = () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
  return { signal: controller.signal, stop };
}
