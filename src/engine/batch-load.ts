/** Loads what a batch needs before its events can be processed. */
import type { Action } from '../core/machine/command.ts';
import type { CallEvent } from '../core/machine/event.ts';
import type { Loaded, LoadKeys, Store } from '../store/store.ts';
import type { Item } from './batch.ts';
import { keyOf } from './timeline.ts';

/**
 * Loads the calls of these events, and in a second query the calls that those refer to. Attempts
 * since `since` (store's clock) are counted up to `limit`; null: not counted.
 */
export async function loadBatch(
  store: Store,
  items: Item[],
  limit: number | null,
  since: number,
): Promise<Loaded> {
  const keys = keysOf(items, limit, since);
  const loaded = await store.load(keys);
  const callIds = missingParents(items, loaded);
  const sessionIds = unknownSessions(items, loaded);
  if (callIds.length === 0 && sessionIds.length === 0) return loaded;
  const more = await store.load({
    callIds,
    sessionIds,
    attemptIds: [],
    events: [],
    // Also counts the callers of these calls, because the hangup of a B-leg may start their next
    // step.
    budget: keys.budget === null ? null : { ...keys.budget, callers: [] },
  });
  const calls = new Map([...more.calls, ...loaded.calls]);
  // Use the later clock with the later totals: the store adds attempts that start after it.
  const { now } = more;
  if (loaded.budget === null || more.budget === null) return { ...loaded, now, calls };
  const byCaller = new Map([...loaded.budget.byCaller, ...more.budget.byCaller]);
  return { ...loaded, now, calls, budget: { all: more.budget.all, byCaller } };
}

/** What to load for these events, in one query. */
export function keysOf(items: Item[], limit: number | null, since: number): LoadKeys {
  const keys: LoadKeys = { callIds: [], attemptIds: [], sessionIds: [], events: [], budget: null };
  const callers = new Set<string>();
  const ids = new Set<string>();
  let moves = false;
  for (const { event } of items) {
    ids.add(event.callId);
    keys.events.push({ callId: event.callId, key: keyOf(event) });
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

/** Calls found to be needed only after the first query: parents of B-legs. */
function missingParents(items: Item[], loaded: Loaded): string[] {
  const wanted = new Set<string>();
  for (const { event } of items) {
    const known = loaded.calls.get(event.callId)?.call.parentId ?? null;
    if (known !== null && !loaded.calls.has(known)) wanted.add(known);
  }
  return [...wanted];
}

/**
 * Sessions to search for legs that cannot be identified otherwise: no envelope, direction or call
 * yet.
 */
function unknownSessions(items: Item[], loaded: Loaded): string[] {
  const wanted = new Set<string>();
  for (const { event } of items) {
    if (event.source !== 'webhook' || loaded.calls.has(event.callId)) continue;
    const { sessionId, direction } = event.facts;
    if (sessionId !== null && direction === null) wanted.add(sessionId);
  }
  return [...wanted];
}

/**
 * Whether the event cannot cause a move of the caller: a batch of such events needs no budget.
 * Not a hangup, because a B-leg's ends an attempt of its caller, and not the outcome of a probe or
 * of a B-leg's hangup, because the next attempt may be waiting for it.
 */
function isInformational(event: CallEvent): boolean {
  if (!INFORMATIONAL.has(event.type)) return false;
  if (event.source !== 'outcome') return true;
  return !QUESTIONS.has(event.action) && event.legId === event.callId;
}

const QUESTIONS: ReadonlySet<Action> = new Set(['probe', 'active_calls']);
const INFORMATIONAL: ReadonlySet<string> = new Set([
  'call.refer.started',
  'call.refer.completed',
  'call.speak.started',
  'call.playback.started',
  'call.cost',
  'command.accepted',
  'command.retry',
]);
