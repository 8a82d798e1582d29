/** Loads what a batch needs before its events can be processed. */
import type { Action } from '../../core/machine/command.ts';
import type { CallEvent } from '../../core/machine/event.ts';
import { type Overrides, overridesOf } from '../../core/rules/override.ts';
import { BUDGET_WINDOW_MS, BudgetUse, countMax } from '../../core/rules/targets/budget.ts';
import { type Loaded, type LoadKeys, loadKeys } from '../../store/contract/calls.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { Decider } from '../engine.ts';
import type { RestUse } from '../resting/rest-use.ts';
import type { Resting } from '../resting/resting.ts';
import type { QueuedEvent } from './queue.ts';
import { eventRef } from './timeline.ts';

/** The store's clock may differ by this much from our estimate of it. */
const CLOCK_SLACK_MS = 60_000;

export interface BatchLoader {
  /** `mayTry`: whether a caller may be let through to a resting target. */
  load(events: QueuedEvent[], mayTry: boolean): Promise<LoadedBatch>;
}

export interface LoadedBatch {
  loaded: Loaded;
  overrides: Overrides;
  budget: BudgetUse;
  /** Null: nothing rests here. */
  rest: RestUse | null;
  /** How far the store's clock is ahead of our wall clock at least; 0 if the two may agree. */
  storeAheadMs: number;
}

export function createBatchLoader(options: {
  store: Store;
  decider: Decider;
  clock: Clock;
  resting?: Resting | undefined;
}): BatchLoader {
  const { store, decider, clock, resting } = options;
  /**
   * How far the store's clock is ahead of our monotonic clock. Before the first load it is assumed
   * to agree with our wall clock.
   */
  let storeAheadMs = clock.now() - clock.monotonic();
  let overrides: { version: number; value: Overrides } = { version: -1, value: {} };
  return { load };

  async function load(events: QueuedEvent[], mayTry: boolean): Promise<LoadedBatch> {
    const limit = countMax(decider.budgets());
    const since = clock.monotonic() + storeAheadMs - BUDGET_WINDOW_MS;
    const askedAt = clock.now();
    const loaded = await loadBatch(store, events, limit, since);
    const wallAheadMs = leastBetween(loaded.now - clock.now(), loaded.now - askedAt);
    await refreshOverrides(loaded);
    storeAheadMs = loaded.now - clock.monotonic();
    // Attempts are counted by the store's clock. If our estimate of it was wrong, the counted hour
    // was not the last hour.
    const isLastHour = Math.abs(loaded.now - BUDGET_WINDOW_MS - since) < CLOCK_SLACK_MS;
    // A reload in the meantime may have raised the limits beyond what was counted.
    const isSameLimit = limit === countMax(decider.budgets());
    if (!isSameLimit || (!isLastHour && limit !== null)) return load(events, mayTry);
    const budget = new BudgetUse(decider.budgets(), loaded.budget);
    const at = { now: loaded.now, overrides: overrides.value, mayTry };
    const rest = (await resting?.use(loaded.settings.rest, at)) ?? null;
    return { loaded, overrides: overrides.value, budget, rest, storeAheadMs: wallAheadMs };
  }

  async function refreshOverrides(loaded: Loaded): Promise<void> {
    if (loaded.settings.overrides === overrides.version) return;
    const { version, value } = await store.setting('overrides');
    overrides = { version, value: overridesOf(value) };
  }
}

/**
 * The store read its clock at some moment of the query, which may have taken seconds, so only a
 * difference that is certain counts.
 */
function leastBetween(low: number, high: number): number {
  if (low > 0) return low;
  return high < 0 ? high : 0;
}

/**
 * Loads the calls of these events, and with a second query the calls that those refer to. Attempts
 * since `since` (by the store's clock) are counted up to `limit`; null: not counted.
 */
async function loadBatch(
  store: Store,
  events: QueuedEvent[],
  limit: number | null,
  since: number,
): Promise<Loaded> {
  const keys = keysOf(events, limit, since);
  const loaded = await store.load(keys);
  const callIds = missingParents(events, loaded);
  const sessionIds = unknownSessions(events, loaded);
  if (callIds.length === 0 && sessionIds.length === 0) return loaded;
  // Also counts the callers of these calls, because the hangup of a B-leg may start their next
  // step.
  const budget = keys.budget === null ? null : { ...keys.budget, callers: [] };
  const more = await store.load(loadKeys({ callIds, sessionIds, budget }));
  const calls = new Map([...more.calls, ...loaded.calls]);
  // Use the later clock with the later totals: the store adds attempts that start after it.
  const { now } = more;
  if (loaded.budget === null || more.budget === null) return { ...loaded, now, calls };
  const byCaller = new Map([...loaded.budget.byCaller, ...more.budget.byCaller]);
  return { ...loaded, now, calls, budget: { all: more.budget.all, byCaller } };
}

/** What to load for these events, in one query. */
export function keysOf(events: QueuedEvent[], limit: number | null, since: number): LoadKeys {
  const keys = loadKeys({});
  const callers = new Set<string>();
  const ids = new Set<string>();
  let moves = false;
  for (const { event } of events) {
    ids.add(event.callId);
    keys.events.push(eventRef(event));
    if (!isInformational(event)) moves = true;
    if (event.source !== 'webhook') continue;
    const { from, sessionId, direction } = event.facts;
    if (from !== null) callers.add(from);
    if (event.envelope !== null) keys.attemptIds.push(event.envelope.id);
    else if (sessionId !== null && direction === 'outgoing') keys.sessionIds.push(sessionId);
  }
  keys.callIds = [...ids];
  if (moves && limit !== null) {
    keys.budget = { callers: [...callers], limit, since };
  }
  return keys;
}

/** Calls that turn out to be needed only after the first query: parents of B-legs. */
function missingParents(events: QueuedEvent[], loaded: Loaded): string[] {
  const wanted = new Set<string>();
  for (const { event } of events) {
    const known = loaded.calls.get(event.callId)?.call.parentId ?? null;
    if (known !== null && !loaded.calls.has(known)) wanted.add(known);
  }
  return [...wanted];
}

/**
 * Sessions to search for legs that cannot be identified otherwise: no envelope, direction or call
 * yet.
 */
function unknownSessions(events: QueuedEvent[], loaded: Loaded): string[] {
  const wanted = new Set<string>();
  for (const { event } of events) {
    if (event.source !== 'webhook' || loaded.calls.has(event.callId)) continue;
    const { sessionId, direction } = event.facts;
    if (sessionId !== null && direction === null) wanted.add(sessionId);
  }
  return [...wanted];
}

/**
 * Whether the event cannot cause a move of the caller, so that a batch of such events needs no
 * budget. A hangup can, because a B-leg's hangup ends an attempt of its caller; so can the outcome
 * of a probe, a lookup or a B-leg's hangup, because the next attempt may be waiting for it.
 */
function isInformational(event: CallEvent): boolean {
  if (!INFORMATIONAL.has(event.type)) return false;
  if (event.source !== 'outcome') return true;
  return !QUESTIONS.has(event.action) && event.legId === event.callId;
}

const QUESTIONS: ReadonlySet<Action> = new Set(['probe', 'active_calls', 'lookup']);
const INFORMATIONAL: ReadonlySet<string> = new Set([
  'call.refer.started',
  'call.refer.completed',
  'call.speak.started',
  'call.playback.started',
  'call.cost',
  'command.accepted',
  'command.retry',
]);
