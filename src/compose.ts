/**
 * Puts everything together. What is opened here is closed in the opposite order, by `stop` or if
 * the start fails. Nothing is looked up by name at run time, so grep finds every caller.
 */
import { randomUUID } from 'node:crypto';
import type { Config, Environment } from './config/config.ts';
import { examine } from './core/account/examine.ts';
import type { AccountSettings } from './core/account/finding.ts';
import { routeFacts } from './core/account/route-facts.ts';
import { createAccountWatch } from './engine/account-watch.ts';
import { systemClock } from './engine/clock.ts';
import { createDispatcher, type Dispatcher } from './engine/dispatch.ts';
import type { Receiver } from './engine/engine.ts';
import { createDecider, createLiveRoutes } from './engine/live-routes.ts';
import { createReceiver } from './engine/receive.ts';
import type { RecoverySchedule } from './engine/recovery.ts';
import { createRecoveryService, watchFoundDead } from './engine/recovery-service.ts';
import { createReport } from './engine/report.ts';
import { createSweeper } from './engine/sweep.ts';
import { createUpkeep } from './engine/upkeep.ts';
import { StopTimedOut } from './errors.ts';
import { type App, buildApp } from './http/app.ts';
import { watchStore } from './http/health.ts';
import type { Lifecycle } from './http/lifecycle.ts';
import { listen } from './http/listening.ts';
import { ADMIN_IS_OFF } from './http/not-found.ts';
import { registerPage } from './http/page.ts';
import type { Log } from './log/log.ts';
import { onceForEach, onceUntilRecovered } from './log/once.ts';
import { standing, watchTroubles } from './log/troubles.ts';
import { createMetrics } from './metrics.ts';
import { openRoutes, type Routes } from './routing/reload.ts';
import { openEventually } from './store/eventual.ts';
import { openStore } from './store/open.ts';
import type { Store, StoreNotice } from './store/store.ts';
import { createAsking } from './telnyx/account/asking.ts';
import { createAccountClient } from './telnyx/account/client.ts';
import { readAccount } from './telnyx/account/read-account.ts';
import { createTelnyxClient } from './telnyx/client.ts';
import { createVerifier } from './telnyx/signature.ts';
import { observers, openTracing } from './tracing/tracing.ts';

export interface Service {
  /**
   * Address of webhooks, health and (without ADMIN_PORT) the API, such as `http://127.0.0.1:3000`.
   */
  url: string;
  adminUrl: string | null;
  routeSet: string;
  /** Resolves when the store is open and webhooks are accepted. */
  ready: Promise<void>;
  reload(): Promise<void>;
  /** Stops as after SIGTERM; resolves when everything is closed. `drainMs` 0 skips the delay. */
  stop(drainMs?: number): Promise<void>;
}

/** The part of the shutdown time reserved for closing servers and store after the commands. */
const CLOSING_MS = 1_000;
/** Part of that, for the last traces. */
const TRACES_MS = 500;
/** Part of that, to log why the stop is late before the supervisor kills the process. */
const LAST_WORDS_MS = 250;

/** Rejects if the start fails, after closing everything that was opened. */
export async function compose(config: Config, env: Environment, log: Log): Promise<Service> {
  const opened = new AsyncDisposableStack();
  try {
    return await assemble(opened, config, env, log);
  } catch (error) {
    await settledWithin(opened.disposeAsync(), CLOSING_MS);
    throw error;
  }
}

async function assemble(
  opened: AsyncDisposableStack,
  config: Config,
  env: Environment,
  outerLog: Log,
): Promise<Service> {
  const instance = randomUUID();
  const troubles = watchTroubles(outerLog, Date.now);
  const { log } = troubles;
  const lifecycle: Lifecycle = { phase: 'starting' };
  const metrics = createMetrics();
  opened.defer(() => metrics.close());

  // Everything that can fail comes before the first port is opened.
  const verifier = await createVerifier({
    publicKeys: config.publicKeys,
    engine: config.signatureEngine,
    toleranceSecs: config.signatureToleranceSecs,
  });
  const routes = await openRoutes(config.routesDir, { env, handlers: config.routesHandlers });
  opened.defer(() => routes.close());
  const decider = createDecider(routes);
  const { apiUrl, apiKey, proxy } = config;
  const client = createTelnyxClient({ apiUrl, apiKey, proxy, env });
  opened.defer(() => client.close());

  const tracing = await openTracing(env, config, { log, instance });
  opened.defer(async () => tracing?.stop(TRACES_MS));

  const opening = onceUntilRecovered(log, 'store.unavailable');
  const eventual = openEventually(
    config.database.kind,
    () => openOwnStore(config.database, (notice) => reportNotice(log, notice)),
    (error) => opening.failed(error),
  );
  opened.defer(() => eventual.close());
  const { store } = eventual;
  const storeWatch = watchStore(store);
  opened.defer(() => storeWatch.stop());

  // The receiver and the dispatcher need each other, because outcomes come back through the
  // receiver.
  let dispatcher: Dispatcher | null = null;
  let recovery: RecoverySchedule | null = null;
  const missed = (since: number) => recovery?.missed(since);
  const observer = observers(
    createReport(log, metrics),
    watchFoundDead(missed),
    ...(tracing === null ? [] : [tracing.observer]),
  );
  const engine = createReceiver({
    store,
    decider,
    owner: instance,
    observer,
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
  const asking = createAsking({ apiUrl, apiKey, proxy });
  opened.defer(() => asking.close());
  const recovering = createRecoveryService({
    store,
    asking,
    client,
    receiver,
    connectionIds: config.connectionIds,
    storeFails: () => storeWatch.failure() !== null,
    log,
    metrics,
    now: Date.now,
  });
  recovery = recovering;

  const live = createLiveRoutes({ routes, store, log, metrics });
  const sweeping = onceUntilRecovered(log, 'sweep.failed');
  const sweeper = createSweeper({
    store,
    receiver,
    onError: (error) => sweeping.failed(error),
    onGood: () => sweeping.worked(),
  });
  // One per job, so that a job that works does not hide one that fails.
  const keeping = onceForEach(() => onceUntilRecovered(log, 'upkeep.failed'));
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
    counted: (final) => observer.counted?.(final),
    onError: (job, error) => keeping(job).failed(error, { job }),
    onGood: (job) => keeping(job).worked(),
    onPruned: (count, before) => {
      log.emit('calls.pruned', { count, before: new Date(before).toISOString() });
    },
  });
  const seen = () => [
    ...outbox.warnings().map(standing),
    ...troubles.recent(storeWatch.goodAt?.()),
  ];
  const accountWatch = watchAccount(config, routes, log);
  opened.defer(() => accountWatch.stop());
  metrics.watchOutbox(() => store.outbox());
  metrics.watchSchedules(() => live.schedules(Date.now()));

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
    missed,
    page: registerPage,
    troubles: { instance, here: () => [...seen(), ...accountWatch.troubles()] },
    now: Date.now,
  });
  opened.defer(() => close(app));
  const { host, port, adminPort } = config;
  // The public port last, so that a failing start accepts nothing.
  const adminUrl =
    app.admin === null
      ? null
      : await listen(app.admin, { host, port: adminPort ?? 0, variable: 'ADMIN_PORT' });
  const url = await listen(app.public, { host, port, variable: 'PORT' });
  log.emit('server.started', {
    url,
    admin_url: adminUrl,
    instance,
    signature_engine: verifier.engine,
    database: config.database.kind,
    page: config.adminToken === null ? ADMIN_IS_OFF : `${adminUrl ?? url}/`,
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
      // Passed on to the other replicas if the store can be written.
      await live
        .reload()
        .catch((error: unknown) => keeping('reload').failed(error, { job: 'reload' }));
    },
    stop(drainMs) {
      stopped ??= stop(drainMs ?? config.drainDelaySecs * 1000);
      return stopped;
    },
  };

  function begin(): void {
    if (lifecycle.phase !== 'starting') return;
    opening.worked();
    outbox.start();
    sweeper.start();
    accountWatch.start();
    // It asks for the heartbeat before ours.
    void recovering.start().then(() => {
      if (lifecycle.phase === 'starting' || lifecycle.phase === 'running') upkeep.start();
    });
    if (config.routesWatch) routes.watch(live.report);
    lifecycle.phase = 'running';
  }

  async function stop(drainMs: number): Promise<void> {
    const stopAt = performance.now() + config.shutdownTimeoutSecs * 1000;
    const leftMs = () => Math.max(0, stopAt - CLOSING_MS - performance.now());
    // Nothing was accepted yet, so no load balancer needs time to notice.
    const drain = lifecycle.phase === 'starting' ? 0 : drainMs;
    lifecycle.phase = 'draining';
    log.emit('server.stopping', { drain_ms: drain });
    await pause(Math.min(drain, leftMs()));
    lifecycle.phase = 'stopping';
    let waitingFor = '';
    const closing = (async () => {
      waitingFor = 'deadlines and commits under way';
      await sweeper.stop();
      await recovering.stop();
      await engine.drained();
      waitingFor = 'commands under way and their outcomes';
      await outbox.stop(leftMs());
      await engine.drained();
      waitingFor = 'upkeep under way';
      await upkeep.stop();
      waitingFor = 'servers, store and connections to close';
      await opened.disposeAsync();
    })();
    if (!(await settledWithin(closing, stopAt - LAST_WORDS_MS - performance.now()))) {
      const detail = storeWatch.failure();
      log.emit('server.stop_timed_out', { waiting_for: waitingFor, detail });
      throw new StopTimedOut(
        `not everything was closed within SHUTDOWN_TIMEOUT_SECS=${config.shutdownTimeoutSecs}: still waiting for ${waitingFor}${detail === null ? '' : `. ${detail}`}`,
      );
    }
    log.emit('server.stopped');
  }
}

/** What a look at the account needs; `reachable` is asked from outside, where callers' webhooks come from. */
function watchAccount(config: Config, routes: Routes, log: Log) {
  const { apiUrl, apiKey, proxy, connectionIds } = config;
  const client = createAccountClient({ apiUrl, apiKey, proxy });
  const settings: AccountSettings = {
    publicKeys: config.publicKeys.map((key) => key.toString('base64')),
    connectionIds,
    store: config.database.kind,
    url: null,
  };
  const watch = createAccountWatch({
    everyMs: config.accountCheckMinutes * 60_000,
    log,
    now: Date.now,
    async look() {
      const account = { ...(await readAccount(client, settings)), reached: new Map() };
      const facts = routeFacts(routes.current(), routes.exampleNumbers());
      return examine({ account, routes: facts, settings, now: Date.now() }, ['reachable']);
    },
  });
  return {
    ...watch,
    async stop() {
      watch.stop();
      await client.close();
    },
  };
}

async function openOwnStore(
  database: Config['database'],
  onNotice: (notice: StoreNotice) => void,
): Promise<Store> {
  const store = await openStore(database, { onNotice });
  try {
    // Only this process writes an SQLite store, so leases of a previous process are void. Clearing
    // them also shows whether the file can be written; if not, opening is tried again.
    if (store.kind === 'sqlite') await store.releaseLeases(null);
    return store;
  } catch (error) {
    await store.close();
    throw error;
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

async function close({ public: publicServer, admin }: App): Promise<void> {
  await Promise.all([publicServer.close(), admin?.close()]);
}

/** False if it has not ended by then. */
async function settledWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms));
  });
  // The timeout was already reported; later errors are irrelevant.
  work.catch(() => {});
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
