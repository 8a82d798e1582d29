/**
 * Sends a lookup to the operator's server, with a time limit, and returns the fields to keep from
 * the answer. Never throws. Redirects are not followed, because they could send our headers to any
 * server.
 */
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import type { LookupCommand, LookupResult, Outcome } from '../core/machine/command.ts';
import { readAnswer } from './answer.ts';
import { AnswerCache } from './cache.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface LookupClient {
  /** `mayWrite` is called just before the request is made; false: nothing is sent. */
  send(command: LookupCommand, mayWrite?: () => boolean): Promise<Outcome>;
  /** Aborts the requests in flight. */
  close(): Promise<void>;
}

export interface LookupClientOptions {
  /** Where the `${NAME}` of headers are looked up when the request is made. */
  env?: Environment;
  /** The values of HTTPS_PROXY and NO_PROXY; null: no proxy. */
  proxy?: { url: string; none: string } | null;
}

const BODY_BYTES_MAX = 16 * 1024;
/** Per server. */
const CONNECTIONS_MAX = 64;
const KEEP_ALIVE_MS = 20_000;
const LOOPBACK = 'localhost,127.0.0.1,::1';

export function createLookupClient(options: LookupClientOptions = {}): LookupClient {
  const env = options.env ?? process.env;
  const dispatcher = dispatcherOf(options.proxy ?? null);
  const cache = new AnswerCache();

  return {
    async send(command, mayWrite) {
      const known = cache.get(command, performance.now());
      if (known !== null) {
        const lookup = { values: known.values, result: 'cached' as const, ms: 0 };
        return { kind: 'accepted', status: 200, alive: null, lookup };
      }
      const startedAt = performance.now();
      const failed = ({ result, detail }: Failure): Outcome => {
        const ms = Math.round(performance.now() - startedAt);
        return { kind: 'unknown', detail, lookup: { result, values: {}, ms } };
      };
      const headers = headersOf(command, env);
      if ('detail' in headers) return failed(headers);
      if (mayWrite?.() === false) return NOT_WRITTEN;
      const answer = await ask(command, headers.headers, dispatcher);
      if ('detail' in answer) return failed(answer);
      const kept = readAnswer(answer.text, command.keep);
      const ms = Math.round(performance.now() - startedAt);
      if (kept === null) return failed(NOT_JSON);
      cache.set(command, kept, performance.now());
      return { kind: 'accepted', status: answer.status, alive: null, lookup: { ...kept, ms } };
    },
    close: () => dispatcher.destroy(),
  };
}

interface Failure {
  result: LookupResult;
  /** A text for the trace, without secrets. */
  detail: string;
}

const NOT_JSON: Failure = { result: 'not_json', detail: 'its answer is not a JSON object' };
const TOO_LARGE: Failure = {
  result: 'too_large',
  detail: `its answer has more than ${BODY_BYTES_MAX / 1024} KB`,
};
const NOT_WRITTEN: Outcome = {
  kind: 'retry',
  status: null,
  detail: 'not asked: it may not be asked any more',
  afterMs: null,
  provenUnsent: true,
};

async function ask(
  { url, timeoutMs }: LookupCommand,
  headers: Record<string, string>,
  dispatcher: Dispatcher,
): Promise<{ status: number; text: string } | Failure> {
  const controller = new AbortController();
  // Covers the whole request, from connecting to the last byte.
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const {
      statusCode,
      headers: got,
      body,
    } = await request(url, {
      dispatcher,
      headers,
      signal: controller.signal,
    });
    if (statusCode < 200 || statusCode > 299) {
      await body.dump({ limit: 0 }).catch(() => {});
      const redirects = statusCode >= 300 && statusCode < 400 ? ', and is not followed' : '';
      return { result: 'http_status', detail: `answered with HTTP ${statusCode}${redirects}` };
    }
    if (Number(got['content-length'] ?? 0) > BODY_BYTES_MAX) {
      body.destroy();
      return TOO_LARGE;
    }
    return { status: statusCode, text: await body.text() };
  } catch (error) {
    if (controller.signal.aborted) {
      return { result: 'time_over', detail: `no answer within ${timeoutMs} ms` };
    }
    const code = codeOf(error);
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return TOO_LARGE;
    // Only the error's code, because its message may quote what was sent.
    return { result: 'unreachable', detail: `cannot be reached: ${code}` };
  } finally {
    clearTimeout(timer);
  }
}

function headersOf(
  command: LookupCommand,
  env: Environment,
): { headers: Record<string, string> } | Failure {
  const headers: Record<string, string> = {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'referee',
  };
  for (const { name, value } of command.headers) {
    const names = [...value.matchAll(REFERENCE)].map(([, variable = '']) => variable);
    const unset = names.find((variable) => (env[variable] ?? '') === '');
    if (unset !== undefined) {
      const detail = `not asked: the environment variable ${unset} is not set`;
      return { result: 'not_sent', detail };
    }
    const resolved = value.replace(REFERENCE, (_, variable: string) => env[variable] ?? '');
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(resolved)) {
      const detail = `not asked: ${names.join(', ')} contains a character that headers cannot contain`;
      return { result: 'not_sent', detail };
    }
    headers[name.toLowerCase()] = resolved;
  }
  return { headers };
}

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

function dispatcherOf(proxy: LookupClientOptions['proxy']): Dispatcher {
  const limits = {
    connections: CONNECTIONS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxResponseSize: BODY_BYTES_MAX,
  };
  if (proxy === null || proxy === undefined) return new Agent(limits);
  const { url, none } = proxy;
  const noProxy = [none, LOOPBACK].filter((hosts) => hosts !== '').join(',');
  // Both are set, so that the process's own environment is ignored.
  return new EnvHttpProxyAgent({ ...limits, httpsProxy: url, httpProxy: url, noProxy });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? codeOf(error.cause) : error.name;
}
