/**
 * Background jobs of a replica: pruning, heartbeat, reloads that other replicas ask for, final
 * counts.
 */
import type { Once } from '../log/once.ts';
import type { Store } from '../store/store.ts';
import { type Final, finalOf } from './receiving/tally.ts';
import { inPortions, type Repeated, type RepeatOptions, repeat } from './repeat.ts';

const PRUNE_EVERY_MS = 60_000;
const PRUNE_CALLS_MAX = 100;
/**
 * Calls removed in one round: more than arrive in a busy minute, but few in case the clock is
 * wrong.
 */
const PRUNE_ROUND_MAX = 10_000;
const PRUNE_VERSIONS_EVERY_MS = 60 * 60_000;
const HEARTBEAT_EVERY_MS = 5_000;
const RELOAD_LOOK_MS = 1_000;
const COUNT_EVERY_MS = 2_000;
const COUNTED_MAX = 500;
/** A quarter of a millisecond each, during which webhooks wait. */
const FOLDED_MAX = 50;
const SUMS_PRUNED_MAX = 1_000;
const AUDIT_PRUNED_MAX = 500;
const DAY_MS = 86_400_000;

export type Upkeep = Repeated;

export interface UpkeepOptions {
  store: Store;
  retentionDays: number;
  /** How many route versions are always kept. */
  versionsKept: number;
  /** How long hourly sums are kept. */
  historyDays: number;
  instance: string;
  /** This process's wall clock. */
  clock: () => number;
  /** The content of the heartbeat. */
  status(): { routeSet: string; refusal: string | null; troubles?: unknown };
  /** Does what another replica has asked for since the last time. */
  followReload(): Promise<void>;
  /** Looks for other servers, which have heartbeats too. */
  lookAround(): Promise<void>;
  /** A verdict or an end can no longer be corrected. */
  counted(final: Final): void;
  failures(job: string): Once;
  /** This many calls that ended before this time were removed. */
  onPruned(count: number, before: number): void;
}

export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { store, instance, clock } = options;
  const createdAt = clock();
  /** By the store's clock, like the time of a heartbeat; null until the first. */
  let startedAt: number | null = null;
  const jobs = [
    job('prune', PRUNE_EVERY_MS, prune),
    job('prune route versions', PRUNE_VERSIONS_EVERY_MS, pruneVersions),
    job('heartbeat', HEARTBEAT_EVERY_MS, heartbeat),
    job('count', COUNT_EVERY_MS, count),
    job('history', COUNT_EVERY_MS, fold),
    job('reload', RELOAD_LOOK_MS, () => options.followReload()),
  ];
  return {
    start() {
      for (const job of jobs) job.start();
    },
    async stop() {
      await Promise.all(jobs.map((job) => job.stop()));
    },
  };

  function job(name: string, everyMs: number, run: RepeatOptions['run']) {
    const { failed, worked } = options.failures(name);
    return repeat({ everyMs, run, onGood: worked, onError: failed });
  }

  /**
   * In small portions, so that no webhook waits for a large delete. A call must be old by both the
   * store's clock and ours, so that a clock that runs ahead does not remove calls that are still
   * needed.
   */
  async function prune(stopped: () => boolean): Promise<void> {
    const before = await retainedSince();
    await pruneCalls(before, stopped);
    await inPortions(AUDIT_PRUNED_MAX, stopped, (max) => store.pruneAudit(before, max));
    const oldest = before + (options.retentionDays - options.historyDays) * DAY_MS;
    await inPortions(SUMS_PRUNED_MAX, stopped, (max) => store.pruneSums(oldest, max));
  }

  async function pruneCalls(before: number, stopped: () => boolean): Promise<void> {
    let count = 0;
    const enough = () => stopped() || count >= PRUNE_ROUND_MAX;
    try {
      await inPortions(PRUNE_CALLS_MAX, enough, async (max) => {
        const pruned = await store.prune(before, max);
        count += pruned;
        return pruned;
      });
    } finally {
      if (count > 0) options.onPruned(count, before);
    }
  }

  /** Adds ended calls to the hourly sums and to the search. */
  async function fold(stopped: () => boolean): Promise<void> {
    await inPortions(FOLDED_MAX, stopped, (max) => store.fold(max));
  }

  async function retainedSince(): Promise<number> {
    return Math.min(clock(), await store.provenNow()) - options.retentionDays * DAY_MS;
  }

  async function pruneVersions(): Promise<void> {
    await store.pruneRouteVersions(await retainedSince(), options.versionsKept);
  }

  async function count(stopped: () => boolean): Promise<void> {
    await inPortions(COUNTED_MAX, stopped, async (max) => {
      const taken = await store.takeUncounted(max);
      for (const { call, item } of taken) {
        const final = finalOf(call, item);
        if (final !== null) options.counted(final);
      }
      return taken.length;
    });
  }

  async function heartbeat(): Promise<void> {
    startedAt ??= (await store.due(1)).now - (clock() - createdAt);
    await store.heartbeat({ id: instance, startedAt, ...options.status() });
    await options.lookAround();
  }
}
