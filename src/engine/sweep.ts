/** Turns due deadlines into events. Deadlines are rows, not timers, so any replica can do it. */
import { deadlineEventId } from '../core/machine/command-id.ts';
import { NewerRow } from '../errors.ts';
import type { Once } from '../log/once.ts';
import type { DueDeadline } from '../store/contract/calls.ts';
import type { Store } from '../store/store.ts';
import type { Receiver } from './engine.ts';
import { inPortions, repeat } from './repeat.ts';

const SWEEP_EVERY_MS = 200;
const SWEEP_ROWS_MAX = 500;
/** So many more are read to get past deadlines that could not be processed. */
const HELD_BACK_MAX = 5_000;
/** A deadline that is overdue by more than this is postponed once. */
const LATE_MS = 5_000;
/** For this long after a start or recovery, webhooks that are delivered again come first. */
export const YOUNG_MS = 15_000;
/** A deadline that could not be processed is a dead letter and is not tried again for this long. */
const RETRY_AFTER_MS = 600_000;

export interface Sweeper {
  /** `storeFailed`: it could not be opened at once, so webhooks got 503 until now. */
  start(storeFailed?: boolean): void;
  /** Resolves when the running sweep is done. */
  stop(): Promise<void>;
}

export function createSweeper(options: {
  store: Store;
  receiver: Receiver;
  failures: Once;
  /**
   * Whether another replica was there before this time (by the store's clock) and still is. Without
   * it there are no others.
   */
  othersServe?(since: number): Promise<boolean>;
  everyMs?: number;
}): Sweeper {
  const { store, receiver, failures } = options;
  /** By the store's clock; null until the store has answered after a start or a failure. */
  let recoveredAt: number | null = null;
  /** Webhooks got 503 from every replica, so Telnyx delivers them again. */
  let storeFailed = false;
  /** Event ids of dead-lettered deadlines, and when they may be tried again. */
  const deadLettered = new Map<string, number>();

  const sweeps = repeat({
    everyMs: options.everyMs ?? SWEEP_EVERY_MS,
    run: (stopped) => inPortions(SWEEP_ROWS_MAX, stopped, sweep),
    onGood: failures.worked,
    onError(error) {
      recoveredAt = null;
      storeFailed = true;
      failures.failed(error);
    },
  });

  return {
    start(failed = false) {
      storeFailed = failed;
      sweeps.start();
    },
    stop: sweeps.stop,
  };

  async function sweep(max: number): Promise<number> {
    // Those that were dead-lettered remain due, and are the first of the list.
    const rowsMax = max + Math.min(deadLettered.size, HELD_BACK_MAX);
    const { now, due } = await store.due(rowsMax);
    // The clock may have been set back; deadlines that are set from then on are not older.
    recoveredAt = Math.min(recoveredAt ?? now, now);
    if (due.some((deadline) => isYoung(deadline, now)) && (await othersServed(recoveredAt))) {
      recoveredAt = Number.NEGATIVE_INFINITY;
    }
    if (due.length < rowsMax) forgetAllBut(due);
    const fresh = due.filter((deadline) => (deadLettered.get(idOf(deadline)) ?? 0) <= now);
    const taken = await Promise.allSettled(fresh.map((deadline) => fire(deadline, now)));
    // A single failure concerns one call, and so does a row of newer code; if all fail, the store
    // has a problem.
    const failed = taken.filter(
      (result) => result.status === 'rejected' && !(result.reason instanceof NewerRow),
    ) as PromiseRejectedResult[];
    if (failed[0] !== undefined && failed.length === taken.length) throw failed[0].reason;
    return fresh.length;
  }

  /** Telnyx may still be delivering webhooks again that would have been processed before it. */
  function isYoung({ setAt }: DueDeadline, now: number): boolean {
    return recoveredAt !== null && now - recoveredAt < YOUNG_MS && setAt < recoveredAt;
  }

  /** Then a start of this process alone has delayed no webhook. */
  async function othersServed(since: number): Promise<boolean> {
    return !storeFailed && options.othersServe !== undefined && (await options.othersServe(since));
  }

  /** A call that went on otherwise no longer has the deadline. */
  function forgetAllBut(due: DueDeadline[]): void {
    if (deadLettered.size === 0) return;
    const ids = new Set(due.map(idOf));
    for (const id of deadLettered.keys()) if (!ids.has(id)) deadLettered.delete(id);
  }

  async function fire(deadline: DueDeadline, now: number): Promise<void> {
    const { callId, name, n, dueAt, putOff } = deadline;
    const id = idOf(deadline);
    const { result } = await receiver.receive({
      source: 'deadline',
      id,
      callId,
      type: `deadline.${name}`,
      receivedAt: now,
      occurredAt: null,
      name,
      n,
      putOff: !putOff && (now - dueAt > LATE_MS || isYoung(deadline, now)),
    });
    if (result === 'dead_letter') deadLettered.set(id, now + RETRY_AFTER_MS);
    else deadLettered.delete(id);
  }
}

function idOf({ callId, name, n }: DueDeadline): string {
  return deadlineEventId(callId, name, n);
}
