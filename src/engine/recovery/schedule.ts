/**
 * Decides when to ask Telnyx for missed webhooks: at a start, when the store works again, and every
 * ten minutes while some may have been missed. It runs beside everything else; a recovery that
 * fails is tried again later.
 */
import type { LiveLeg } from '../../core/recovery.ts';
import type { Store } from '../../store/store.ts';
import { afterAsking, isDue, owedOf, withMissed } from './owed.ts';
import type { Recovery } from './recover.ts';

const LOOK_EVERY_MS = 2_000;
/** A process that did not check for this long was frozen, and answered no webhooks meanwhile. */
const FROZEN_MS = 15_000;
const UNKNOWN_LIVE_MAX = 100;

export interface RecoverySchedule {
  /** Call it before the first heartbeat, because it reads when the last one was. */
  start(): Promise<void>;
  /** A webhook may have been missed at this moment, or since then; milliseconds since the epoch. */
  missed(since: number): void;
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
  let noted: { since: number; until: number } | null = null;
  let lookedAt = now();
  /**
   * At a start a caller may be waiting, so Telnyx is asked however recently that happened before.
   */
  let asked = false;
  /** Until the store has worked once, the time since the last heartbeat covers everything. */
  let storeWorked = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();

  return {
    async start() {
      await sinceTheLastHeartbeat().catch(options.onFailed);
      lookedAt = now();
      // The store may be closed by now.
      if (!stopping.signal.aborted) look();
    },
    missed,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await looking;
      await keepNoted().catch(() => {});
    },
  };

  function missed(since: number): void {
    const at = now();
    noted = { since: Math.min(since, noted?.since ?? since), until: Math.max(since, at) };
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

  function look(): void {
    looking = round()
      .catch(options.onFailed)
      .then(() => {
        if (!stopping.signal.aborted) timer = setTimeout(look, lookEveryMs).unref();
      });
  }

  async function round(): Promise<void> {
    if (now() - lookedAt > lookEveryMs + FROZEN_MS) missed(lookedAt);
    const fails = options.storeFails();
    if (fails && storeWorked) missed(lookedAt);
    lookedAt = now();
    if (fails) return;
    storeWorked = true;
    await keepNoted();
    const { since, ...owed } = owedOf((await store.setting('recovery')).value);
    if (since === null || (asked && !isDue({ since, ...owed }, now()))) return;
    asked = true;
    await run(since);
    // The duration of this check itself is no pause.
    lookedAt = now();
  }

  async function keepNoted(): Promise<void> {
    if (noted === null) return;
    const { since, until } = noted;
    noted = null;
    try {
      await store.changeSetting('recovery', (value) => ({
        ...(value as object | null),
        ...withMissed(owedOf(value), since, until),
      }));
    } catch (error) {
      missed(since);
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
    const found: Partial<RecoveryFound> =
      recovery === null ? {} : { unknownLive: recovery.unknownLive.slice(0, UNKNOWN_LIVE_MAX) };
    await store.changeSetting('recovery', (value) => ({
      ...(value as object | null),
      ...found,
      ...afterAsking(owedOf(value), askedAt, failed),
    }));
  }
}
