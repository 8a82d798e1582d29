/**
 * The receiver: every event passes here, in batches of one commit each. A batch is taken, loaded,
 * applied, committed and reported, and its commands are handed to the dispatcher. Before the commit
 * nothing of a call is stored, and nothing that follows the commit can undo it: observers and the
 * dispatcher are guarded (observers.ts).
 */
import { CommitUnknown, NewerRow, RefereeError, StoreUnavailable } from '../errors.ts';
import type { Committed } from '../store/contract/calls.ts';
import type { Store } from '../store/store.ts';
import { type Clock, type Mark, mark, systemClock } from './clock.ts';
import type { Decider, Observer, Outlet, Receiver } from './engine.ts';
import { applyAll } from './receiving/batch.ts';
import { createBatchLoader } from './receiving/batch-load.ts';
import { keepable } from './receiving/letters.ts';
import { createEventQueue, type QueuedEvent } from './receiving/queue.ts';
import { itemOf } from './receiving/tally.ts';
import type { Applied, BatchUnit } from './receiving/working-unit.ts';
import type { Resting } from './resting/resting.ts';
import { LEASE_MS } from './sending/sending.ts';

/** After so many losses of a call's row, its event is refused. */
const ROW_RACES_MAX = 8;
/** After so many losses of a resting target's trial, no caller of the batch gets one. */
const TRIAL_RACES_MAX = 8;

export interface ReceiverOptions {
  store: Store;
  decider: Decider;
  outlet: Outlet;
  observer: Observer;
  /** Owner name of our leases. */
  owner: string;
  clock?: Clock;
  /** Without it no target rests. */
  resting?: Resting;
  queueMax?: number;
}

export interface BatchingReceiver extends Receiver {
  /** Resolves when everything taken so far is committed or refused. */
  drained(): Promise<void>;
}

/** One closure over the queue: each function below is one step of what happens to a batch. */
export function createReceiver(options: ReceiverOptions): BatchingReceiver {
  const { store, decider, outlet, observer, owner, resting } = options;
  const clock = options.clock ?? systemClock;
  const queue = createEventQueue({ process: processOrSplit, waitingMax: options.queueMax });
  const loader = createBatchLoader({ store, decider, clock, resting });
  /** When the last webhook of any call arrived, by the monotonic clock. */
  let lastWebhookMono: number | null = null;

  return {
    receive(event, settle) {
      const delivered = event.source === 'webhook' && event.recovered === undefined;
      if (delivered) lastWebhookMono = clock.monotonic();
      return queue.add(event, settle ?? null);
    },
    drained: queue.drained,
  };

  async function processBatch(events: QueuedEvent[]): Promise<void> {
    const { batch, loadMs } = await loadAndApply(events);
    const { units, unchanged, broken } = batch;
    // No call has changed so far; the commit stores everything.
    if (units.length > 0) {
      const claim = outlet.freeSlots() > 0 ? { owner, leaseMs: LEASE_MS } : null;
      const askedAt = mark(clock);
      const committed = await store.commit(
        units.map(({ unit }) => unit),
        claim,
      );
      observer.batch(events.length, loadMs, clock.monotonic() - askedAt.monotonic);
      report(units, committed);
      handOver(units, committed, askedAt);
    }
    for (const { queued, received } of unchanged) {
      if (received.result === 'duplicate') observer.duplicate(queued.event);
      queued.resolve(received);
    }
    for (const { queued, error } of broken) await deadLetter(queued, error);
  }

  /**
   * If others were first to try a resting target, everything is decided again. It ends because with
   * `mayTry` false there is nothing to be first with.
   */
  async function loadAndApply(events: QueuedEvent[]) {
    let loadMs = 0;
    for (let tries = 0; ; tries += 1) {
      const askedAt = clock.monotonic();
      const mayTry = tries < TRIAL_RACES_MAX;
      const { loaded, rest, ...context } = await loader.load(events, mayTry);
      loadMs += clock.monotonic() - askedAt;
      const sinceWebhookMs = lastWebhookMono === null ? null : clock.monotonic() - lastWebhookMono;
      const batch = applyAll(events, {
        ...context,
        loaded,
        rest,
        decider,
        lastWebhookAt: sinceWebhookMs === null ? null : loaded.now - sinceWebhookMs,
      });
      if (resting === undefined || rest === null || (await resting.take(rest.trials))) {
        return { batch, loadMs };
      }
    }
  }

  function report(units: BatchUnit[], { results, counted }: Committed): void {
    const taken = new Set(counted);
    units.forEach(({ applied }, index) => {
      if (results[index] !== 'committed') {
        retryLostRace(applied);
        return;
      }
      for (const { queued, received, transitions } of applied) {
        for (const { event, before, call, notices, final, awaited } of transitions) {
          observer.committed(event, before, call, notices);
          for (const each of final) observer.counted(each);
          for (const each of awaited) if (taken.has(itemOf(each))) observer.counted(each);
        }
        queued.resolve(received);
      }
    });
  }

  /** Gives the dispatcher the commands that were claimed, and what it must no longer send. */
  function handOver(units: BatchUnit[], { results, claimed }: Committed, askedAt: Mark): void {
    const changes = units.flatMap(({ unit }, index) =>
      results[index] === 'committed' ? unit.changes : [],
    );
    const cancelled = changes.flatMap(({ cancel }) => cancel);
    const commands = changes.reduce((sum, change) => sum + change.commands.length, 0);
    if (cancelled.length > 0) outlet.cancel(cancelled);
    if (claimed.length > 0) outlet.offer(claimed, askedAt);
    if (commands > claimed.length) outlet.wake();
  }

  /** Another replica changed the call first: its events are the next to be loaded and applied. */
  function retryLostRace(applied: Applied[]): void {
    const retried: QueuedEvent[] = [];
    for (const { queued } of applied) {
      queued.lostRaces += 1;
      if (queued.lostRaces <= ROW_RACES_MAX) retried.push(queued);
      else
        queued.reject(new StoreUnavailable(`lost ${queued.lostRaces} races for this call's row`));
    }
    queue.putBack(retried);
  }

  /**
   * If a batch fails, its events are tried singly, so that one event does not cause 503 for all.
   * Those that were stored all the same are duplicates then.
   */
  async function processOrSplit(events: QueuedEvent[]): Promise<void> {
    try {
      await processBatch(events);
    } catch (error) {
      const first = events[0];
      if (error instanceof StoreUnavailable || error instanceof CommitUnknown) {
        for (const queued of events) queued.reject(error);
      } else if (events.length > 1) {
        for (const queued of events) await processOrSplit([queued]);
      } else if (first !== undefined) {
        await deadLetter(first, error);
      }
    }
  }

  async function deadLetter({ event, settle, ...queued }: QueuedEvent, error: unknown) {
    if (error instanceof NewerRow) {
      queued.reject(error);
      return;
    }
    try {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      await store.deadLetter(keepable(event), detail, settle?.commandId ?? null);
      observer.deadLetter(event, error);
      queued.resolve({ result: 'dead_letter' });
    } catch (storeError) {
      const known = storeError instanceof RefereeError;
      const lost = () => new StoreUnavailable('the event could not be kept', { cause: storeError });
      queued.reject(known ? storeError : lost());
    }
  }
}
