/**
 * The wiring, in one straight line: what is opened below is closed by `stop` in the opposite order.
 * grep answers who calls whom; nothing is found by name at run time.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Config, Environment } from './config/config.ts';
import { systemClock } from './engine/clock.ts';
import { createDispatcher, type Dispatcher } from './engine/dispatch.ts';
import type { Receiver } from './engine/engine.ts';
import { createDecider, createLiveRoutes } from './engine/live-routes.ts';
import { createReceiver } from './engine/receive.ts';
import { createReport } from './engine/report.ts';
import { createSweeper } from './engine/sweep.ts';
import { createUpkeep } from './engine/upkeep.ts';
import { type App, buildApp } from './http/app.ts';
import { watchStore } from './http/health.ts';
import type { Lifecycle } from './http/lifecycle.ts';
import { HTTP_LIMITS } from './http/limits.ts';
import { registerPage } from './http/page.ts';
import type { Log } from './log/log.ts';
import { onceUntilRecovered } from './log/once.ts';
import { standing, watchTroubles } from './log/troubles.ts';
import { createMetrics } from './metrics.ts';
import { openRoutes } from './routing/reload.ts';
import { openEventually } from './store/eventual.ts';
import { openStore } from './store/open.ts';
import type { StoreNotice } from './store/store.ts';
import { createTelnyxClient } from './telnyx/client.ts';
import { createVerifier } from './telnyx/signature.ts';
import { observers, openTracing } from './tracing/tracing.ts';

export interface Service {
  /** Where webhooks, health and (without ADMIN_PORT) the API are: `http://127.0.0.1:3000`. */
  url: string;
  adminUrl: string | null;
  routeSet: string;
  /** Resolves when the store is open and calls are taken. */
  ready: Promise<void>;
  reload(): Promise<void>;
  /** The contract of a SIGTERM; resolves when everything is closed. `drainMs` 0 skips the delay. */
  stop(drainMs?: number): Promise<void>;
}

/** What is left of the shutdown time for closing servers and store after the commands. */
const CLOSING_MS = 1_000;
/** Of it: for the last traces. */
const TRACES_MS = 500;

export async function compose(config: Config, env: Environment, outerLog: Log): Promise<Service> {
  const instance = randomUUID();
  const troubles = watchTroubles(outerLog, Date.now);
  const { log } = troubles;
  const lifecycle: Lifecycle = { phase: 'starting' };
  const metrics = createMetrics();

  // Everything that can refuse to start comes before the first thing that is opened for others.
  const verifier = await createVerifier({
    publicKeys: config.publicKeys,
    engine: config.signatureEngine,
    toleranceSecs: config.signatureToleranceSecs,
  });
  const routes = await openRoutes(config.routesDir, { env, handlers: config.routesHandlers });
  const decider = createDecider(routes);
  const client = createTelnyxClient({ apiUrl: config.apiUrl, apiKey: config.apiKey, env });

  const tracing = await openTracing(env, config, { log, instance });

  const opening = onceUntilRecovered(log, 'store.unavailable');
  const eventual = openEventually(
    config.database.kind,
    () => openStore(config.database, { onNotice: (notice) => reportNotice(log, notice) }),
    (error) => opening.failed(error),
  );
  const { store } = eventual;
  const storeWatch = watchStore(store);

  // The door and the dispatcher need each other: outcomes come back through the door.
  let dispatcher: Dispatcher | null = null;
  const engine = createReceiver({
    store,
    decider,
    owner: instance,
    observer: observers(
      createReport(log, metrics),
      ...(tracing === null ? [] : [tracing.observer]),
    ),
    outlet: {
      freeSlots: () => dispatcher?.freeSlots() ?? 0,
      offer: (claimed, askedAt) => dispatcher?.offer(claimed, askedAt),
      poke: () => dispatcher?.wake(),
      cancel: (ids) => dispatcher?.cancel(ids),
    },
  });
  const receiver: Receiver = engine;
  dispatcher = createDispatcher({
    store,
    client,
    receive: receiver.receive,
    log,
    clock: systemClock,
    instance,
    observer: {
      command: metrics.command,
      retry: metrics.retry,
      waited: (_action, ms) => metrics.webhookToCommand(ms),
    },
  });
  const outbox = dispatcher;

  const live = createLiveRoutes({ routes, store, log, metrics });
  const sweeping = onceUntilRecovered(log, 'sweep.failed');
  const sweeper = createSweeper({
    store,
    receiver,
    onError: (error) => sweeping.failed(error),
    onGood: () => sweeping.worked(),
  });
  const keeping = onceUntilRecovered(log, 'upkeep.failed');
  const upkeep = createUpkeep({
    store,
    retentionDays: config.retentionDays,
    instance,
    clock: Date.now,
    standing: () => ({
      routeSet: routes.current().set.hash,
      refusal: routes.refusal()?.problems[0]?.message ?? null,
      troubles: seen(),
    }),
    reload: live.reloadLocally,
    onError: (job, error) => keeping.failed(error, { job }),
    onGood: () => keeping.worked(),
    onPruned: (count, before) => {
      log.emit('calls.pruned', { count, before: new Date(before).toISOString() });
    },
  });
  const seen = () => [...outbox.warnings().map(standing), ...troubles.recent()];
  metrics.watchOutbox(() => store.outbox());

  const app = buildApp({
    config,
    log,
    metrics,
    store,
    storeWatch,
    receiver,
    verifier,
    routes: live,
    lifecycle,
    warnings: () => [...outbox.warnings(), ...refusedReload(live)],
    page: registerPage,
    troubles: { instance, here: seen },
    now: Date.now,
  });
  const url = await listen(app.public, config.host, config.port);
  const adminUrl =
    app.admin === null ? null : await listen(app.admin, config.host, config.adminPort ?? 0);
  log.emit('server.started', {
    url,
    admin_url: adminUrl,
    instance,
    signature_engine: verifier.engine,
    database: config.database.kind,
  });
  live.report({
    ok: true,
    hash: routes.current().set.hash,
    changed: true,
    warnings: routes.warnings(),
  });

  let stopped: Promise<void> | null = null;
  const ready = eventual.opened.then(begin);
  return {
    url,
    adminUrl,
    routeSet: routes.current().set.hash,
    ready,
    async reload() {
      // Passed on to the other replicas where the store can be written.
      await live.reload().catch((error: unknown) => keeping.failed(error, { job: 'reload' }));
    },
    stop(drainMs) {
      stopped ??= stop(drainMs ?? config.drainDelaySecs * 1000);
      return stopped;
    },
  };

  async function begin(): Promise<void> {
    if (lifecycle.phase !== 'starting') return;
    opening.worked();
    // Nobody else writes a SQLite store: leases of the life before this one are nobody's.
    if (store.kind === 'sqlite') await store.releaseLeases(null);
    void client.warm();
    outbox.start();
    sweeper.start();
    upkeep.start();
    if (config.routesWatch) routes.watch(live.report);
    lifecycle.phase = 'running';
  }

  async function stop(drainMs: number): Promise<void> {
    const deadline = Date.now() + config.shutdownTimeoutSecs * 1000 - CLOSING_MS;
    lifecycle.phase = 'draining';
    log.emit('server.stopping', { drain_ms: drainMs });
    await pause(Math.min(drainMs, Math.max(0, deadline - Date.now())));
    lifecycle.phase = 'stopping';
    await sweeper.stop();
    await engine.drained();
    await outbox.stop(Math.max(0, deadline - Date.now()));
    await engine.drained();
    await upkeep.stop();
    await Promise.all([close(app), tracing?.stop(TRACES_MS)]);
    storeWatch.stop();
    await client.close();
    await routes.close();
    await eventual.close();
    metrics.close();
    log.emit('server.stopped');
  }
}

function reportNotice(log: Log, notice: StoreNotice): void {
  switch (notice.kind) {
    case 'clock_stepped':
      log.emit('clock.stepped', {
        clock: notice.clock,
        step_secs: Math.round(notice.stepMs / 100) / 10,
        off_secs: Math.round(notice.offMs / 100) / 10,
      });
      return;
    case 'log_saved':
      log.emit('store.log_saved', { detail: notice.words });
      return;
    default:
      notice satisfies never;
  }
}

function refusedReload(live: { refusal(): { problems: unknown[] } | null }): string[] {
  const refusal = live.refusal();
  if (refusal === null) return [];
  return [
    `The last reload of the call routes was refused (${refusal.problems.length} problems); the set before it is live. Run "referee check".`,
  ];
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  await server.listen({ host, port, backlog: HTTP_LIMITS.backlog });
  const { port: bound } = server.server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${bound}`;
}

async function close({ public: publicServer, admin }: App): Promise<void> {
  await Promise.all([publicServer.close(), admin?.close()]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
