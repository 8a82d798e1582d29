/**
 * Decides when to ask Telnyx for missed webhooks: at a start, when the store works again, and every
 * ten minutes while some may have been missed. It runs beside everything else; a recovery that
 * fails is tried again later.
 */
import { setTimeout } from 'node:timers/promises';
import type { LiveLeg } from '../../core/recovery.ts';
import { StoreUnavailable } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { repeat } from '../repeat.ts';
import { afterAsking, isDue, owedOf, withMissed } from './owed.ts';
import type { Recovery } from './recover.ts';

const LOOK_EVERY_MS = 2_000;
/** A process that did not check for this long was frozen, and answered no webhooks meanwhile. */
const FROZEN_MS = 15_000;
const UNKNOWN_LIVE_MAX = 100;

export interface RecoverySchedule {
  /**
   * Resolves when the time since the last heartbeat is noted in the store, so that the first of
   * ours may be written.
   */
  start(): Promise<void>;
  /**
   * A webhook may have been missed at this moment, or since then; milliseconds since the epoch.
   * `perhaps`: what was refused may just as well be a stranger's.
   */
  missed(since: number, how?: 'perhaps'): void;
  stop(): Promise<void>;
}

export interface RecoveryScheduleOptions {
  store: Pick<Store, 'setting' | 'changeSetting' | 'replicas' | 'due'>;
  run(since: number, signal: AbortSignal): Promise<Recovery>;
  /** The store does not work: webhooks get 503. */
  storeFails(): boolean;
  now: () => number;
  onDone(recovery: Recovery, ms: number): void;
  onFailed(error: unknown): void;
  lookEveryMs?: number;
}

/** What the setting also holds: the result of the last recovery. */
export interface RecoveryFound {
  unknownLive: LiveLeg[];
}

export function createRecoverySchedule(options: RecoveryScheduleOptions): RecoverySchedule {
  const { store, now } = options;
  const lookEveryMs = options.lookEveryMs ?? LOOK_EVERY_MS;
  const stopping = new AbortController();
  /** Not yet written to the store. */
  let noted: { since: number; until: number; perhapsUntil: number } | null = null;
  let lookedAt = now();
  /**
   * At a start a caller may be waiting, so Telnyx is asked however recently that happened before.
   */
  let asked = false;
  /** Until the store has worked once, the time since the last heartbeat covers everything. */
  let storeWorked = false;
  const looks = repeat({ everyMs: lookEveryMs, run: look, onError: options.onFailed });

  return {
    async start() {
      while (!stopping.signal.aborted && !(await isSinceSettled())) {
        await setTimeout(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => {});
      }
      lookedAt = now();
      // The store may be closed by now.
      if (!stopping.signal.aborted) looks.start();
    },
    missed,
    async stop() {
      stopping.abort();
      await looks.stop();
      await keepNoted().catch(() => {});
    },
  };

  function missed(since: number, how?: 'perhaps'): void {
    const latest = Math.max(since, now());
    const { until = 0, perhapsUntil = 0 } = noted ?? {};
    noted = {
      since: Math.min(since, noted?.since ?? since),
      until: how === 'perhaps' ? until : Math.max(until, latest),
      perhapsUntil: how === 'perhaps' ? Math.max(perhapsUntil, latest) : perhapsUntil,
    };
  }

  /**
   * Tried until the store can be read: after our first heartbeat nobody can know any more when the
   * last one was.
   */
  async function isSinceSettled(): Promise<boolean> {
    try {
      await sinceTheLastHeartbeat();
      if (!stopping.signal.aborted) await keepNoted();
      return true;
    } catch (error) {
      if (!stopping.signal.aborted) options.onFailed(error);
      // What would fail again must not keep the first heartbeat, and with it all upkeep, waiting.
      return !(error instanceof StoreUnavailable);
    }
  }

  /** No replica answered webhooks in that time. A store without any heartbeat is new. */
  async function sinceTheLastHeartbeat(): Promise<void> {
    const seen = (await store.replicas()).map(({ seenAt }) => seenAt);
    if (seen.length === 0) return;
    // Heartbeats have the store's time, Telnyx is asked by ours. A store that is behind only makes
    // the time longer; what is later than now is from before the clock was set back.
    const at = now();
    const aheadMs = Math.max(0, (await store.due(1)).now - at);
    const past = seen.map((each) => each - aheadMs).filter((each) => each <= at);
    missed(past.length === 0 ? at : Math.max(...past));
  }

  async function look(): Promise<void> {
    if (now() - lookedAt > lookEveryMs + FROZEN_MS) missed(lookedAt);
    const fails = options.storeFails();
    if (fails && storeWorked) missed(lookedAt);
    lookedAt = now();
    if (fails) return;
    storeWorked = true;
    await keepNoted();
    const owed = owedOf((await store.setting('recovery')).value, now());
    if (owed.since === null || (asked && !isDue(owed, now()))) return;
    asked = true;
    await run(owed.since);
    // The duration of this check itself is no pause.
    lookedAt = now();
  }

  async function keepNoted(): Promise<void> {
    if (noted === null) return;
    const { since, until, perhapsUntil } = noted;
    noted = null;
    try {
      await store.changeSetting('recovery', (value) => ({
        ...(value as object | null),
        ...withMissed(owedOf(value, now()), since, until, perhapsUntil),
      }));
    } catch (error) {
      missed(since, until === 0 ? 'perhaps' : undefined);
      throw error;
    }
  }

  async function run(since: number): Promise<void> {
    const askedAt = now();
    try {
      const recovery = await options.run(since, stopping.signal);
      await keep(askedAt, recovery);
      options.onDone(recovery, now() - askedAt);
    } catch (error) {
      if (stopping.signal.aborted) return;
      await keep(askedAt, null);
      throw error;
    }
  }

  async function keep(askedAt: number, recovery: Recovery | null): Promise<void> {
    const failed = recovery === null || recovery.failed !== null;
    const foundAny = recovery !== null && recovery.recovered + recovery.postponed > 0;
    const found: Partial<RecoveryFound> =
      recovery === null ? {} : { unknownLive: recovery.unknownLive.slice(0, UNKNOWN_LIVE_MAX) };
    await store.changeSetting('recovery', (value) => ({
      ...(value as object | null),
      ...found,
      ...afterAsking(owedOf(value, now()), askedAt, failed, foundAny),
    }));
  }
}
