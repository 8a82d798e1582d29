/**
 * Creates the engine: receiver, dispatcher, sweeper, recovery and upkeep around one store. They
 * start and stop together.
 */
import type { Log } from '../log/log.ts';
import { type Once, onceForEach, onceUntilRecovered } from '../log/once.ts';
import { readyWarning, type Trouble } from '../log/troubles.ts';
import type { LookupClient } from '../lookups/client.ts';
import type { Metrics } from '../metrics.ts';
import type { NextRoutes, Routes } from '../routing/reload.ts';
import type { Store } from '../store/store.ts';
import type { Asking } from '../telnyx/account/asking.ts';
import type { TelnyxClient } from '../telnyx/client.ts';
import { systemClock } from './clock.ts';
import { createDispatcher, type Dispatcher } from './dispatch.ts';
import type { Decider, Observer, Receiver } from './engine.ts';
import { createLiveRoutes, type ReloadableRoutes } from './live-routes.ts';
import { combineObservers, guardOutlet } from './observers.ts';
import { othersServe } from './other-replicas.ts';
import { createReceiver } from './receive.ts';
import type { RecoverySchedule } from './recovery/schedule.ts';
import { createRecoveryService, watchFoundDead } from './recovery/service.ts';
import { createResting, type Resting } from './resting/resting.ts';
import { createDecider } from './routes/decider.ts';
import { createNextSet } from './routes/next-routes.ts';
import { createRouteVersions, VERSIONS_KEPT } from './routes/route-versions.ts';
import { watchSharedFile } from './shared-file.ts';
import { createSweeper, YOUNG_MS } from './sweep.ts';
import { createUpkeep, type Upkeep } from './upkeep.ts';

export interface EngineOptions {
  store: Store;
  routes: Routes;
  /** The second route folder and the share of callers who follow it; null: none. */
  next: { folder: NextRoutes; percent: number } | null;
  client: Pick<TelnyxClient, 'send'>;
  lookups: Pick<LookupClient, 'send'>;
  /** Recovery uses it to ask Telnyx for webhooks that were missed. */
  asking: Pick<Asking, 'get' | 'clockOffMs'>;
  /** Keyed by the name that the log uses for them. */
  observers: Record<string, Partial<Observer>>;
  log: Log;
  metrics: Metrics;
  /** Owns our leases, and is our name among the replicas. */
  instance: string;
  retentionDays: number;
  historyDays: number;
  connectionIds: ReadonlySet<string> | null;
  /** The store does not work: webhooks get 503. */
  storeFails(): boolean;
  /** Problems of this replica, except those of the commands. */
  troubles(): Trouble[];
}

export interface Engine {
  receiver: Receiver;
  routes: ReloadableRoutes;
  /** A webhook may have been missed; see `RecoverySchedule.missed`. */
  missed: RecoverySchedule['missed'];
  /** Problems with commands, and another server on our file, in sentences. */
  warnings(): string[];
  /** All problems of this replica. */
  troubles(): Trouble[];
  /**
   * Starts with what is already due: commands, deadlines, missed webhooks, upkeep. `storeFailed`:
   * the store could not be opened at once.
   */
  start(storeFailed: boolean): void;
  /** Never rejects. Also tells the other replicas, if the store can be written. */
  reload(): Promise<void>;
  /** Finishes what is in flight, commands within `leftMs`; reports what it waits for. */
  stop(leftMs: () => number, onWait: (waitingFor: string) => void): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { store, log, metrics } = options;
  const next =
    options.next === null
      ? null
      : createNextSet({ ...options.next, live: options.routes, log, metrics, now: Date.now });
  // One for each job, so that a job that works does not hide one that fails.
  const failures = onceForEach((job) => onceUntilRecovered(log, 'upkeep.failed', { job }));
  const decider = createDecider(options.routes, next);
  const resting = createResting({
    store,
    log,
    rests: (target) => decider.rests?.(target) ?? true,
    failures: failures('resting targets'),
  });
  const observer = combineObservers(log, {
    ...options.observers,
    ...(next === null ? {} : { 'next routes': next.observer }),
    recovery: watchFoundDead((since) => recovery.missed(since)),
    'resting targets': resting.observer,
  });
  const parts = { observer, resting, decider };
  const { receiver, dispatcher } = createReceiverAndDispatcher(options, parts);
  const recovery = createRecoveryService({ ...options, receiver, now: Date.now });
  const sweeper = createSweeper({
    store,
    receiver,
    failures: onceUntilRecovered(log, 'sweep.failed'),
    // One that has itself just started may have delayed webhooks like this one.
    othersServe: (since) => othersServe(store, options.instance, { since, longerThanMs: YOUNG_MS }),
  });
  const versions = createRouteVersions(store, failures('route versions'));
  const routes = createLiveRoutes({
    routes: options.routes,
    next,
    store,
    log,
    metrics,
    versions,
    now: Date.now,
  });
  const sharedFile = watchSharedFile(options);
  const warnings = () => [...dispatcher.warnings(), ...sharedFile.warnings()];
  const troubles = () => [
    ...warnings().map(readyWarning),
    ...routes.troubles(),
    ...options.troubles(),
  ];
  const upkeep = createLoggedUpkeep(options, {
    routes,
    troubles,
    lookAround: sharedFile.look,
    observer,
    failures,
  });
  let stopped = false;
  return {
    receiver,
    routes,
    missed: recovery.missed,
    warnings,
    troubles,
    start(storeFailed) {
      versions.start();
      void tryTo('join', routes.join(options.instance));
      dispatcher.start();
      sweeper.start(storeFailed);
      // Recovery asks when the last heartbeat was, so upkeep writes ours only afterwards.
      void recovery.start().then(() => {
        if (!stopped) upkeep.start();
      });
    },
    reload: () => tryTo('reload', routes.reload('signal')),
    async stop(leftMs, onWait) {
      stopped = true;
      // A set that is still being loaded would never be used.
      await Promise.all([options.routes.close(), options.next?.folder.close()]);
      onWait('deadlines and commits in flight');
      await sweeper.stop();
      await recovery.stop();
      await receiver.drained();
      onWait('commands in flight and their outcomes');
      await dispatcher.stop(leftMs());
      await receiver.drained();
      onWait('upkeep in flight');
      await upkeep.stop();
      await resting.stop();
      await versions.stop();
    },
  };

  async function tryTo(job: string, work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!stopped) failures(job).failed(error);
    });
  }
}

/**
 * The receiver and the dispatcher need each other, because outcomes of commands come back through
 * the receiver.
 */
function createReceiverAndDispatcher(
  options: EngineOptions,
  { observer, resting, decider }: { observer: Observer; resting: Resting; decider: Decider },
) {
  const { store, client, lookups, log, metrics, instance } = options;
  const receiver = createReceiver({
    store,
    decider,
    resting,
    owner: instance,
    observer,
    outlet: guardOutlet(log, {
      freeSlots: () => dispatcher.freeSlots(),
      offer: (claimed, askedAt) => dispatcher.offer(claimed, askedAt),
      wake: () => dispatcher.wake(),
      cancel: (ids) => dispatcher.cancel(ids),
    }),
  });
  const dispatcher: Dispatcher = createDispatcher({
    store,
    client,
    lookups,
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
  return { receiver, dispatcher };
}

interface UpkeepParts {
  routes: ReloadableRoutes;
  troubles(): Trouble[];
  lookAround(): Promise<void>;
  observer: Observer;
  failures: (job: string) => Once;
}

function createLoggedUpkeep(options: EngineOptions, parts: UpkeepParts): Upkeep {
  const { store, retentionDays, historyDays, instance, log } = options;
  const { routes, troubles, lookAround, observer, failures } = parts;
  return createUpkeep({
    store,
    retentionDays,
    versionsKept: VERSIONS_KEPT,
    historyDays,
    instance,
    clock: Date.now,
    status: () => ({
      routeSet: routes.current().hash,
      refusal: routes.refusal()?.problems[0]?.message ?? null,
      troubles: troubles(),
    }),
    lookAround,
    followReload: routes.follow,
    counted: (final) => observer.counted(final),
    failures,
    onPruned: (count, before) => {
      log.emit('calls.pruned', { count, before: new Date(before).toISOString() });
    },
  });
}
