/** What a replica does beside calls: prune old ones, show that it lives, hear of reloads asked elsewhere. */
import type { Store } from '../store/store.ts';
import { type Final, finalOf } from './tally.ts';

const PRUNE_EVERY_MS = 60_000;
const PRUNE_CALLS_MAX = 100;
const HEARTBEAT_EVERY_MS = 5_000;
const RELOAD_LOOK_MS = 1_000;
const COUNT_EVERY_MS = 2_000;
const COUNTED_MAX = 500;
const DAY_MS = 86_400_000;

export interface Upkeep {
  start(): void;
  stop(): Promise<void>;
}

export interface UpkeepOptions {
  store: Store;
  retentionDays: number;
  instance: string;
  clock: () => number;
  /** What the heartbeat shows. */
  standing(): { routeSet: string; refusal: string | null; troubles?: unknown };
  reload(): Promise<unknown>;
  /** A verdict or an end whose time to be corrected is over. */
  counted(final: Final): void;
  onError(job: string, error: unknown): void;
  onGood(): void;
}

export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { store, instance, clock, onError, onGood } = options;
  const startedAt = clock();
  let reloads: number | null = null;
  const jobs = [
    repeat(PRUNE_EVERY_MS, prune, onGood, (error) => onError('prune', error)),
    repeat(HEARTBEAT_EVERY_MS, heartbeat, onGood, (error) => onError('heartbeat', error)),
    repeat(COUNT_EVERY_MS, count, onGood, (error) => onError('count', error)),
    repeat(RELOAD_LOOK_MS, lookForReload, onGood, (error) => onError('reload', error)),
  ];
  return {
    start() {
      for (const job of jobs) job.start();
    },
    async stop() {
      await Promise.all(jobs.map((job) => job.stop()));
    },
  };

  /** Small batches, so that no webhook waits behind a large delete. */
  async function prune(stopped: () => boolean): Promise<void> {
    const before = clock() - options.retentionDays * DAY_MS;
    while (!stopped()) if ((await store.prune(before, PRUNE_CALLS_MAX)) < PRUNE_CALLS_MAX) return;
  }

  async function count(stopped: () => boolean): Promise<void> {
    while (!stopped()) {
      const taken = await store.takeUncounted(COUNTED_MAX);
      for (const { call, item } of taken) {
        const final = finalOf(call, item);
        if (final !== null) options.counted(final);
      }
      if (taken.length < COUNTED_MAX) return;
    }
  }

  async function heartbeat(): Promise<void> {
    await store.heartbeat({ id: instance, startedAt, ...options.standing() });
  }

  /** A reload asked of one replica is a new version in the store: every other one follows. */
  async function lookForReload(): Promise<void> {
    const { version } = await store.setting('reload');
    const missed = reloads !== null && version !== reloads;
    reloads = version;
    if (missed) await options.reload();
  }
}

function repeat(
  everyMs: number,
  run: (stopped: () => boolean) => Promise<void>,
  onGood: () => void,
  onError: (error: unknown) => void,
): Upkeep {
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;
  let running: Promise<void> = Promise.resolve();
  const round = () => {
    running = run(() => stopped)
      .then(onGood, onError)
      .then(() => {
        if (!stopped) timer = setTimeout(round, everyMs).unref();
      });
  };
  return {
    start() {
      stopped = false;
      round();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
