/**
 * The one door, with group commit: one batch committed at a time, what arrives meanwhile is the next batch, one
 * transaction each. Everything that could fail comes before the commit; what follows it is only told.
 */

import type { CallEvent } from '../core/machine/event.ts';
import type { Overrides } from '../core/rules/rule.ts';
import { CommitUnknown, NewerRow, RefereeError, StoreUnavailable, TooBusy } from '../errors.ts';
import { BriefMap } from '../store/brief-map.ts';
import type { Loaded, Settlement, Store } from '../store/store.ts';
import { type Batch, type Item, type Stepped, stepAll } from './batch.ts';
import { loadBatch } from './batch-load.ts';
import { BUDGET_WINDOW_MS, BudgetUse, countMax } from './budget.ts';
import { type Clock, mark, systemClock } from './clock.ts';
import type { Decider, Observer, Outlet, Received, Receiver } from './engine.ts';
import { LEASE_MS } from './sending.ts';
import { itemOf } from './tally.ts';
import { keyOf } from './timeline.ts';

const BATCH_EVENTS_MAX = 256;
/** Waiting events beyond which the next is turned away: half a second of work, not minutes of it. */
const QUEUE_EVENTS_MAX = 4_096;
/** A load is asked for and answered within this. */
const WINDOW_SLACK_MS = 60_000;
const CONFLICTS_MAX = 8;

export interface ReceiverOptions {
  store: Store;
  decider: Decider;
  outlet: Outlet;
  observer: Observer;
  /** Owner name of our leases. */
  owner: string;
  clock?: Clock;
  queueMax?: number;
}

export interface Engine extends Receiver {
  /** Resolves when everything taken so far is committed or refused. */
  drained(): Promise<void>;
  waiting(): number;
}

export function createReceiver(options: ReceiverOptions): Engine {
  const { store, decider, outlet, observer, owner } = options;
  const clock = options.clock ?? systemClock;
  const queueMax = options.queueMax ?? QUEUE_EVENTS_MAX;
  let queue: Item[] = [];
  /** First deliveries on their way: a second one waits for the first one's commit. */
  const underWay = new BriefMap<string, Promise<Received>>();
  let running: Promise<void> | null = null;
  /** Of our monotonic clock: the store's. Until the first load has told, as if it were our wall clock. */
  let storeAhead = clock.now() - clock.monotonic();
  let overrides: { version: number; value: Overrides } = { version: -1, value: {} };
  /** Monotonic; when the last webhook of any call reached us. */
  let heardAt: number | null = null;

  return {
    receive(event, settle) {
      if (event.source === 'webhook' && event.recovered === undefined) heardAt = clock.monotonic();
      const key = `${event.callId}\n${keyOf(event)}`;
      const first = underWay.get(key);
      if (first !== undefined) {
        return first.then((received) =>
          received.result === 'committed' ? { result: 'duplicate' } : received,
        );
      }
      if (queue.length >= queueMax && event.source === 'webhook') {
        return Promise.reject(new TooBusy(`${queue.length} events wait for the store already`));
      }
      const promise = enqueue(event, settle ?? null);
      underWay.set(key, promise);
      const forget = () => underWay.delete(key);
      promise.then(forget, forget);
      return promise;
    },
    async drained() {
      if (queue.length > 0) start();
      while (running !== null) await running;
    },
    waiting: () => queue.length,
  };

  function enqueue(event: CallEvent, settle: Settlement | null): Promise<Received> {
    return new Promise((resolve, reject) => {
      queue.push({ event, settle, conflicts: 0, resolve, reject });
      start();
    });
  }

  function start(): void {
    // Later than this tick: what arrives with the same packet belongs to the same batch.
    running ??= new Promise<void>((done) => setImmediate(() => done(run())));
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const items = queue.slice(0, BATCH_EVENTS_MAX);
      queue = queue.slice(BATCH_EVENTS_MAX);
      await process(items);
    }
    running = null;
  }

  async function process(items: Item[]): Promise<void> {
    let batch: Batch;
    try {
      batch = await attempt(items);
    } catch (error) {
      await failed(items, error);
      return;
    }
    for (const { item, received } of batch.settled) {
      if (received.result === 'duplicate') observer.duplicate(item.event);
      item.resolve(received);
    }
    for (const { item, error } of batch.failed) await deadLetter(item, error);
  }

  /** Load, step, commit: throws where nothing was kept. */
  async function attempt(items: Item[]): Promise<Batch> {
    const started = performance.now();
    const loaded = await load(items);
    const loadedAt = performance.now();
    const budget = new BudgetUse(decider.budgets(), loaded.budget);
    const heard = heardAt === null ? null : loaded.now - (clock.monotonic() - heardAt);
    const storeAheadMs = loaded.now - clock.now();
    const batch = stepAll(items, loaded, decider, overrides.value, budget, heard, storeAheadMs);
    if (batch.units.length === 0) return batch;

    // Everything above changed nothing; from here on it is stored.
    const claim = outlet.freeSlots() > 0 ? { owner, leaseMs: LEASE_MS } : null;
    const units = batch.units.map(({ unit }) => unit);
    const askedAt = mark(clock);
    const { results, claimed, counted = [] } = await store.commit(units, claim);
    const taken = new Set(counted);
    observer.batch(items.length, loadedAt - started, performance.now() - loadedAt);

    const cancelled: string[] = [];
    let commands = 0;
    batch.units.forEach(({ unit, stepped }, index) => {
      if (results[index] !== 'committed') {
        again(stepped);
        return;
      }
      for (const change of unit.changes) {
        cancelled.push(...change.cancel);
        commands += change.commands.length;
      }
      for (const { item, received, told } of stepped) {
        for (const { event, before, call, notices, final, awaited } of told) {
          observer.committed(event, before, call, notices);
          for (const each of final) observer.counted?.(each);
          for (const each of awaited) if (taken.has(itemOf(each))) observer.counted?.(each);
        }
        item.resolve(received);
      }
    });
    if (cancelled.length > 0) outlet.cancel(cancelled);
    if (claimed.length > 0) outlet.offer(claimed, askedAt);
    if (commands > claimed.length) outlet.poke();
    return batch;
  }

  async function load(items: Item[]): Promise<Loaded> {
    const limit = countMax(decider.budgets());
    const since = clock.monotonic() + storeAhead - BUDGET_WINDOW_MS;
    const loaded = await loadBatch(store, items, limit, since);
    await refreshOverrides(loaded);
    storeAhead = loaded.now - clock.monotonic();
    // Attempts have the store's times: an hour by a clock of our own may be none of them.
    const counted = Math.abs(loaded.now - BUDGET_WINDOW_MS - since) < WINDOW_SLACK_MS;
    // Routes that were changed meanwhile may have limits up to which nobody has counted.
    const wanted = limit === countMax(decider.budgets());
    return wanted && (counted || limit === null) ? loaded : load(items);
  }

  async function refreshOverrides(loaded: Loaded): Promise<void> {
    if (loaded.settings.overrides === overrides.version) return;
    const { version, value } = await store.setting('overrides');
    overrides = { version, value: (value ?? {}) as Overrides };
  }

  /** Lost a race: stepped again on fresh data, before anything newer. */
  function again(stepped: Stepped[]): void {
    const items: Item[] = [];
    for (const { item } of stepped) {
      item.conflicts += 1;
      if (item.conflicts <= CONFLICTS_MAX) items.push(item);
      else item.reject(new StoreUnavailable(`lost ${item.conflicts} races for this call's row`));
    }
    queue = [...items, ...queue];
  }

  /** A batch that fails is tried singly, so that one event is never everybody's 503. */
  async function failed(items: Item[], error: unknown): Promise<void> {
    const first = items[0];
    const everybody = error instanceof StoreUnavailable || error instanceof CommitUnknown;
    if (everybody) {
      for (const item of items) item.reject(error);
    } else if (items.length > 1) {
      for (const item of items) await process([item]);
    } else if (first !== undefined) {
      await deadLetter(first, error);
    }
  }

  async function deadLetter(item: Item, error: unknown): Promise<void> {
    if (error instanceof NewerRow) {
      item.reject(error);
      return;
    }
    try {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      await store.deadLetter(item.event, words, item.settle?.commandId ?? null);
      observer.deadLetter(item.event, error);
      item.resolve({ result: 'dead_letter' });
    } catch (storeError) {
      item.reject(
        storeError instanceof RefereeError
          ? storeError
          : new StoreUnavailable('the event could not be kept', { cause: storeError }),
      );
    }
  }
}
