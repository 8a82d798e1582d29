/**
 * Puts everything together. What is opened here is closed in the opposite order, by `stop` or if
 * the start fails. Nothing is looked up by name at run time, so grep finds every caller.
 * `assemble` is long because it is one straight line.
 */
import { randomUUID } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { commit, version } from './build.ts';
import { limitedSettings, weakToken } from './config/checks.ts';
import type { Config } from './config/config.ts';
import type { Environment } from './config/env-file.ts';
import { createAccountService } from './engine/account-service.ts';
import { systemClock } from './engine/clock.ts';
import { createEngine } from './engine/create-engine.ts';
import type { LiveRoutes } from './engine/live-routes.ts';
import { createReport } from './engine/report.ts';
import { createKeepWarm } from './engine/sending/keep-warm.ts';
import { createWarming, type WarmUp } from './engine/warming.ts';
import { joined, RefereeError } from './errors.ts';
import { type App, buildApp } from './http/app.ts';
import { notReady, watchStore } from './http/health.ts';
import type { Lifecycle } from './http/lifecycle.ts';
import { listen } from './http/listening.ts';
import { ADMIN_IS_OFF } from './http/not-found.ts';
import { registerPage } from './http/page.ts';
import { openPeople } from './http/people/people.ts';
import type { Log } from './log/log.ts';
import { onceUntilRecovered } from './log/once.ts';
import { watchTroubles } from './log/troubles.ts';
import { createLookupClient } from './lookups/client.ts';
import { createMetrics } from './metrics.ts';
import { problemsText } from './routing/problem.ts';
import { type NextRoutes, openNextRoutes, openRoutes, type Reload } from './routing/reload.ts';
import { CLOSING_MS, createStop, settledWithin, TRACES_MS } from './stop.ts';
import { openEventually } from './store/eventual.ts';
import { openOwnStore } from './store/open.ts';
import { watchCommits } from './store/refused-commits.ts';
import { reportNotice } from './store/report-notice.ts';
import { createAsking } from './telnyx/account/asking.ts';
import { createTelnyxClient } from './telnyx/client.ts';
import { createVerifier } from './telnyx/signature.ts';
import { openTracing } from './tracing/tracing.ts';

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

/**
 * Rejects if the start fails, after closing everything that was opened. With `warmUp` the server is
 * not ready before that is done, or the first event has come.
 */
export async function compose(
  config: Config,
  env: Environment,
  log: Log,
  warmUp?: WarmUp,
): Promise<Service> {
  const opened = new AsyncDisposableStack();
  try {
    return await assemble(opened, config, env, log, warmUp);
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
  warmUp: WarmUp | undefined,
): Promise<Service> {
  const instance = randomUUID();
  const troubles = watchTroubles(outerLog, systemClock);
  const { log } = troubles;
  const lifecycle: Lifecycle = { phase: 'starting' };
  const metrics = createMetrics();
  metrics.build({ version: version(), commit: await commit() });
  opened.defer(() => metrics.close());
  for (const detail of limitedSettings(config)) log.emit('setting.limited', { detail });
  const weak = weakToken(config);
  if (weak !== null) log.emit('token.weak', { detail: weak });

  // Everything that can fail comes before the first port is opened.
  const verifying = createVerifier({
    publicKeys: config.publicKeys,
    engine: config.signatureEngine,
    toleranceSecs: config.signatureToleranceSecs,
  });
  const { routesDir: dir, routesHandlers: handlers } = config;
  const loading = openRoutes(dir, { env, handlers }).then((routes) => {
    opened.defer(() => routes.close());
    return routes;
  });
  const { adminToken, tokensFile: file } = config;
  const reading = openPeople({ adminToken, file, log, now: Date.now }).then((people) => {
    opened.defer(() => people.stop());
    return people;
  });
  const [verifier, routes, people] = await allOf(verifying, loading, reading);
  const next = await openNext(config, env);
  opened.defer(async () => next?.folder.close());
  const { apiUrl, apiKey, proxy } = config;
  const keepWarmMs = config.keepWarmSecs * 1000;
  const client = createTelnyxClient({
    apiUrl,
    apiKey,
    proxy,
    env,
    keepWarmMs,
    onBack: (awayMs) => engine.missed(Date.now() - awayMs),
  });
  opened.defer(() => client.close());
  const keepWarm = createKeepWarm({ client, everyMs: keepWarmMs });
  opened.defer(async () => keepWarm.stop());
  const lookups = createLookupClient({ env, proxy });
  opened.defer(() => lookups.close());
  const asking = createAsking({ apiUrl, apiKey, proxy });
  opened.defer(() => asking.close());
  const tracing = await openTracing(env, config, { log, instance });
  opened.defer(async () => tracing?.stop(TRACES_MS));

  const opening = onceUntilRecovered(log, 'store.unavailable');
  let storeFailed = false;
  const eventual = openEventually(
    config.database.kind,
    () => openOwnStore(config.database, { onNotice: (notice) => reportNotice(log, notice) }),
    (error) => {
      storeFailed = true;
      opening.failed(error);
    },
  );
  opened.defer(() => eventual.close());
  const commits = watchCommits(eventual.store);
  const { store } = commits;
  const storeWatch = watchStore(store, { commits });
  opened.defer(() => storeWatch.stop());

  const warming = warmUp === undefined ? null : createWarming(warmUp);
  const report = createReport(log, metrics);
  const engine = createEngine({
    store,
    routes,
    next,
    client,
    lookups,
    asking,
    observers: {
      report,
      ...(tracing === null ? {} : { tracing: tracing.observer }),
      // A caller has come.
      ...(warming === null ? {} : { 'warm-up': { committed: warming.end } }),
    },
    log,
    metrics,
    instance,
    retentionDays: config.retentionDays,
    historyDays: config.historyDays,
    connectionIds: config.connectionIds,
    storeFails: () => storeWatch.failure() !== null,
    troubles: () => troubles.recent(storeWatch.goodAt?.()),
  });
  const account = createAccountService({ ...config, routes, log, missed: engine.missed });
  opened.defer(() => account.stop());
  metrics.watchOutbox(() => store.outbox());
  metrics.watchSchedules(() => engine.routes.schedules(Date.now()));
  metrics.watchOverrides(() => engine.routes.overrides(Date.now()));
  metrics.watchBudgets(() => {
    const { refers, transfers } = engine.routes.current().policy;
    return [
      { kind: 'refer', perHour: refers.perHour },
      { kind: 'transfer', perHour: transfers.perHour },
    ];
  });
  metrics.watchResting(() => engine.routes.resting(Date.now()));
  metrics.watchReady(() => notReady({ lifecycle, storeWatch }) === null);
  const here = () => [...engine.troubles(), ...account.troubles(), ...people.troubles()];
  metrics.watchProblems(here);

  const app = buildApp({
    config: { ...config, sessionSecret: apiKey },
    people,
    log,
    metrics,
    store,
    storeWatch,
    receiver: engine.receiver,
    verifier,
    routes: engine.routes,
    lifecycle,
    warnings: () => [...engine.warnings(), ...refusedReload(engine.routes)],
    missed: engine.missed,
    page: registerPage,
    troubles: { instance, here },
    now: Date.now,
  });
  opened.defer(() => close(app));
  const { url, adminUrl } = await listenAll(app, config);
  const { hash } = routes.current().set;
  log.emit('server.started', {
    url,
    admin_url: adminUrl,
    instance,
    signature_engine: verifier.engine,
    database: config.database.kind,
    page:
      config.adminToken === null && config.tokensFile === null
        ? ADMIN_IS_OFF
        : `${adminUrl ?? url}/`,
  });
  engine.routes.report({ ok: true, hash, changed: true, warnings: routes.warnings() }, 'start');
  if (next !== null) engine.routes.reportNext(firstReload(next.folder));

  const ready = eventual.opened.then(() => {
    if (lifecycle.phase !== 'starting') return;
    opening.worked();
    engine.start(storeFailed);
    account.start();
    keepWarm.start();
    if (config.routesWatch) {
      routes.watch((reload) => engine.routes.report(reload, 'folder'));
      next?.folder.watch(engine.routes.reportNext);
    }
    lifecycle.phase = 'warming';
    if (warming === null) run();
    else void warming.begin().then(run);
  });
  const stop = createStop({ opened, config, log, lifecycle, engine, storeWatch, warming });
  return { url, adminUrl, routeSet: hash, ready, reload, stop };

  function run(): void {
    // What bin/referee.js has Node keep is written when a process exits; a server may be killed.
    flushCompileCache();
    if (lifecycle.phase === 'warming') lifecycle.phase = 'running';
  }

  async function reload(): Promise<void> {
    await Promise.all([people.look(), engine.reload()]);
  }
}

/** Rejects with everything that an operator has to correct, not only with the first of it. */
async function allOf<A, B, C>(a: Promise<A>, b: Promise<B>, c: Promise<C>): Promise<[A, B, C]> {
  const reasons = (await Promise.allSettled([a, b, c])).flatMap((each) =>
    each.status === 'rejected' ? [each.reason] : [],
  );
  const errors = reasons.filter((reason) => reason instanceof RefereeError);
  const [first, ...others] = errors;
  if (first !== undefined && others.length > 0 && errors.length === reasons.length) {
    throw joined(first, others);
  }
  return Promise.all([a, b, c]);
}

async function openNext(config: Config, env: Environment) {
  const { routesNextDir: dir, routesNextPercent: percent, routesHandlers: handlers } = config;
  if (dir === null) return null;
  const naming = 'set ROUTES_NEXT_DIR to the folder of the next routes, or leave it unset';
  return { folder: await openNextRoutes(dir, { env, handlers, naming }), percent };
}

/** What reading the folder at the start amounts to. */
function firstReload(folder: NextRoutes): Reload {
  const set = folder.current()?.set;
  if (set !== undefined) {
    return { ok: true, hash: set.hash, changed: true, warnings: folder.warnings() };
  }
  return { ok: false, hash: '', problems: folder.refusal()?.problems ?? [] };
}

/** The public port last, so that a failing start accepts nothing. */
async function listenAll({ public: publicServer, admin }: App, config: Config) {
  const { host, port } = config;
  const adminPort = config.adminPort ?? 0;
  const adminUrl =
    admin === null ? null : await listen(admin, { host, port: adminPort, variable: 'ADMIN_PORT' });
  const url = await listen(publicServer, { host, port, variable: 'PORT' });
  return { url, adminUrl };
}

function refusedReload(routes: LiveRoutes): string[] {
  const refusal = routes.refusal();
  if (refusal === null) return [];
  return [
    `The last reload of the call routes was refused (${problemsText(refusal.problems)}); the set before it is live. Run "referee check".`,
  ];
}

async function close({ public: publicServer, admin }: App): Promise<void> {
  await Promise.all([publicServer.close(), admin?.close()]);
}
