/** Live: the event loop runs. Ready: a webhook sent now would be stored, and soon. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { StoreUnavailable } from '../errors.ts';
import type { WatchedCommits } from '../store/refused-commits.ts';
import type { Store } from '../store/store.ts';
import type { Lifecycle } from './lifecycle.ts';
import { HTTP_LIMITS } from './limits.ts';

export interface HealthDeps {
  lifecycle: Lifecycle;
  storeWatch: StoreWatch;
  /** Problems that do not make the process unready, such as a wrong API key or a refused reload. */
  warnings: () => string[];
}

export function registerHealth(app: FastifyInstance, deps: HealthDeps): void {
  app.register(async (scope) => addEndpoints(scope, deps));
}

function addEndpoints(app: FastifyInstance, deps: HealthDeps): void {
  app.get('/health/live', { schema: LIVE_SCHEMA }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { status: 'live' };
  });
  app.get('/health/ready', { schema: READY_SCHEMA }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const reason = notReady(deps);
    if (reason === null) return { status: 'ready', warnings: deps.warnings() };
    reply.code(503).header('retry-after', HTTP_LIMITS.retryAfterSecs);
    return { status: 'not ready', ...reason };
  });
}

/** Null if it is ready. */
export function notReady(
  deps: Pick<HealthDeps, 'lifecycle' | 'storeWatch'>,
): { reason: string; detail: string } | null {
  const { phase } = deps.lifecycle;
  if (phase === 'draining' || phase === 'stopping') {
    return { reason: 'stopping', detail: 'The server is shutting down; send webhooks elsewhere.' };
  }
  // If the store cannot be opened or fails, the operator needs to know why, in every phase.
  const failure = deps.storeWatch.failureForAnybody();
  if (phase === 'starting') return { reason: 'starting', detail: failure ?? LOADING };
  if (phase === 'warming') return { reason: 'starting', detail: failure ?? WARMING };
  return failure === null ? null : { reason: 'store', detail: failure };
}

const LOADING = 'The store is open; its deadlines and commands are being loaded.';
const WARMING =
  'The server plays a few calls to itself, so that callers do not wait while its code is compiled. A webhook that arrives is accepted, and ends this.';

export interface StoreWatch {
  /** Why the store cannot write now, in words; null if the last check succeeded. */
  failure(): string | null;
  /**
   * The same for `/health/ready`, which is public: without host, user, path or error texts from
   * others.
   */
  failureForAnybody(): string | null;
  /** When the last check succeeded, by the monotonic clock; null while there is a failure. */
  goodAt?(): number | null;
  stop(): void;
}

export interface StoreWatchOptions {
  everyMs?: number;
  timeoutMs?: number;
  /** Which commits are refused although a ping succeeds. */
  commits?: Pick<WatchedCommits<unknown>, 'refusal' | 'forget'>;
}

/** The interval between pings while the store has never answered yet. */
const OPENING_PING_MS = 50;

/**
 * Pings the store once a second, outside the request path, so that frequent health checks cost
 * nothing and a store that hangs cannot delay them. A ping without an answer counts as a failure
 * after its timeout.
 */
export function watchStore(
  store: Pick<Store, 'ping'>,
  {
    everyMs = HTTP_LIMITS.readyPingMs,
    timeoutMs = HTTP_LIMITS.readyPingTimeoutMs,
    commits,
  }: StoreWatchOptions = {},
): StoreWatch {
  let failed: unknown = 'The store has not answered yet.';
  let goodAt: number | null = null;
  let next: NodeJS.Timeout | undefined;
  let stopped = false;

  async function look(): Promise<void> {
    const late = setTimeout(() => {
      failed = `The store has not answered for ${timeoutMs} ms.`;
    }, timeoutMs);
    try {
      await store.ping();
      if (failed !== null) commits?.forget();
      failed = null;
      goodAt = performance.now();
    } catch (error) {
      failed = error ?? 'The store failed.';
    } finally {
      clearTimeout(late);
    }
    // Before the first good ping it checks more often, so that the start is not delayed by a
    // second.
    const againMs = goodAt === null ? Math.min(everyMs, OPENING_PING_MS) : everyMs;
    if (!stopped) next = setTimeout(look, againMs).unref();
  }
  void look();

  const current = (): unknown => failed ?? commits?.refusal() ?? null;
  return {
    failure() {
      const failure = current();
      return failure instanceof Error ? failure.message : textOrNull(failure);
    },
    failureForAnybody() {
      const failure = current();
      if (failure instanceof StoreUnavailable) return `The store: ${failure.forAnybody}.`;
      return failure instanceof Error
        ? 'The store failed with an unexpected error; see the log.'
        : textOrNull(failure);
    },
    goodAt: () => (current() === null ? goodAt : null),
    stop() {
      stopped = true;
      clearTimeout(next);
    },
  };
}

function textOrNull(failure: unknown): string | null {
  return failure === null ? null : String(failure);
}

const LIVE_SCHEMA = {
  tags: ['health'],
  summary: 'The process is running',
  security: [],
  response: { 200: Type.Object({ status: Type.Literal('live') }) },
};

const READY_SCHEMA = {
  tags: ['health'],
  summary: 'Whether a webhook sent now would be stored',
  security: [],
  response: {
    200: Type.Object({ status: Type.Literal('ready'), warnings: Type.Array(Type.String()) }),
    503: Type.Object({
      status: Type.Literal('not ready'),
      reason: Type.Union([
        Type.Literal('store'),
        Type.Literal('starting'),
        Type.Literal('stopping'),
      ]),
      detail: Type.String(),
    }),
  },
};
