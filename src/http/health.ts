/** Live: the event loop turns. Ready: webhooks sent here now will be stored. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { StoreUnavailable } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Lifecycle } from './lifecycle.ts';
import { HTTP_LIMITS } from './limits.ts';

export interface HealthDeps {
  lifecycle: Lifecycle;
  storeWatch: StoreWatch;
  /** What is wrong but no reason to be taken out of a balancer: a wrong API key, a refused reload. */
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

function notReady(deps: HealthDeps): { reason: string; detail: string } | null {
  const { phase } = deps.lifecycle;
  if (phase === 'starting') {
    // Where the store cannot be opened, what is wrong with it is what somebody has to know.
    const failure = deps.storeWatch.failureForAnybody();
    const detail = failure ?? 'The store is open; taking over what it holds.';
    return { reason: 'starting', detail };
  }
  if (phase !== 'running') {
    return { reason: 'stopping', detail: 'A stop was asked for; send webhooks elsewhere.' };
  }
  const failure = deps.storeWatch.failureForAnybody();
  return failure === null ? null : { reason: 'store', detail: failure };
}

export interface StoreWatch {
  /** Why the store would not take a write now, in words; null when the last look was good. */
  failure(): string | null;
  /** The same for `/health/ready`, which anybody may ask: no host, user, path or word of others. */
  failureForAnybody(): string | null;
  /** When the last good look was, by our clock; null while there is a failure. */
  goodAt?(): number | null;
  stop(): void;
}

/**
 * Pings the store once a second, off the request path: a balancer that asks often costs nothing, and a
 * store that hangs cannot hold a health check. A ping without an answer counts as a failure after its time.
 */
export function watchStore(
  store: Pick<Store, 'ping'>,
  { everyMs, timeoutMs }: { everyMs: number; timeoutMs: number } = {
    everyMs: HTTP_LIMITS.readyPingMs,
    timeoutMs: HTTP_LIMITS.readyPingTimeoutMs,
  },
): StoreWatch {
  let failure: unknown = 'The store has not answered yet.';
  let goodAt = 0;
  let next: NodeJS.Timeout | undefined;
  let stopped = false;

  async function look(): Promise<void> {
    const late = setTimeout(() => {
      failure = `The store has not answered for ${timeoutMs} ms.`;
    }, timeoutMs);
    try {
      await store.ping();
      failure = null;
      goodAt = Date.now();
    } catch (error) {
      failure = error ?? 'The store failed.';
    } finally {
      clearTimeout(late);
    }
    if (!stopped) next = setTimeout(look, everyMs).unref();
  }
  void look();

  return {
    failure: () => (failure instanceof Error ? failure.message : textOrNull(failure)),
    failureForAnybody() {
      if (failure instanceof StoreUnavailable) return `The store: ${failure.forAnybody}.`;
      return failure instanceof Error
        ? 'The store failed in a way nobody foresaw; the log says how.'
        : textOrNull(failure);
    },
    goodAt: () => (failure === null ? goodAt : null),
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
  summary: 'The process runs',
  security: [],
  response: { 200: Type.Object({ status: Type.Literal('live') }) },
};

const READY_SCHEMA = {
  tags: ['health'],
  summary: 'Webhooks sent here now will be stored',
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
