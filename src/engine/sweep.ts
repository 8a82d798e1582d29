/** Deadlines are rows, not timers: any replica sweeps the due ones into events. */
import { deadlineEventId } from '../core/command-id.ts';
import type { DueDeadline, Store } from '../store/store.ts';
import type { Receiver } from './engine.ts';

export const SWEEP_EVERY_MS = 200;
const SWEEP_ROWS_MAX = 500;
/** Found later than this, a deadline is put off once. */
export const LATE_MS = 5_000;
/** A start or a recovery younger than this: Telnyx's retried webhooks come first. */
export const YOUNG_MS = 15_000;

export interface Sweeper {
  start(): void;
  /** Resolves when the sweep under way is through. */
  stop(): Promise<void>;
}

export function createSweeper(options: {
  store: Store;
  receiver: Receiver;
  onError(error: unknown): void;
  onGood(): void;
  everyMs?: number;
}): Sweeper {
  const { store, receiver, onError, onGood } = options;
  const everyMs = options.everyMs ?? SWEEP_EVERY_MS;
  let timer: NodeJS.Timeout | null = null;
  let stopped = true;
  let running: Promise<void> = Promise.resolve();
  /** By the store's clock; null until the store has answered after a start or a failure. */
  let recoveredAt: number | null = null;

  return {
    start() {
      stopped = false;
      next(0);
    },
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await running;
    },
  };

  function next(inMs: number): void {
    if (stopped) return;
    timer = setTimeout(() => {
      running = sweep().then(next, (error) => {
        recoveredAt = null;
        onError(error);
        next(everyMs);
      });
    }, inMs);
  }

  async function sweep(): Promise<number> {
    const { now, due } = await store.due(SWEEP_ROWS_MAX);
    recoveredAt ??= now;
    const taken = await Promise.allSettled(due.map((deadline) => fall(deadline, now)));
    for (const result of taken) if (result.status === 'rejected') throw result.reason;
    onGood();
    return due.length >= SWEEP_ROWS_MAX ? 0 : everyMs;
  }

  function fall(deadline: DueDeadline, now: number): Promise<unknown> {
    const { callId, name, n, dueAt, setAt, putOff } = deadline;
    const young = recoveredAt !== null && now - recoveredAt < YOUNG_MS && setAt < recoveredAt;
    return receiver.receive({
      source: 'deadline',
      id: deadlineEventId(callId, name, n),
      callId,
      type: `deadline.${name}`,
      receivedAt: now,
      occurredAt: null,
      name,
      n,
      putOff: !putOff && (now - dueAt > LATE_MS || young),
    });
  }
}
