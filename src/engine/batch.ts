/** One batch: events stepped one after the other on loaded calls, gathered into units that commit together. */
import type { Call } from '../core/machine/call.ts';
import type { BLegEvent, CallEvent, WebhookEvent } from '../core/machine/event.ts';
import type { Notice } from '../core/machine/notice.ts';
import { type Transition, transition } from '../core/machine/transition.ts';
import type { Overrides } from '../core/rules/rule.ts';
import type { CallChange, CommitUnit, Loaded, Settlement } from '../store/store.ts';
import type { BudgetUse } from './budget.ts';
import type { Decider, Received } from './engine.ts';
import { type Final, finalOf, tallyOf } from './tally.ts';
import { keyOf, timelineEntry } from './timeline.ts';

export interface Item {
  event: CallEvent;
  settle: Settlement | null;
  /** Times its commit lost a race. */
  conflicts: number;
  resolve(received: Received): void;
  reject(error: unknown): void;
}

/** An item that was stepped: what to tell once its unit is committed. */
export interface Stepped {
  item: Item;
  received: Received;
  told: {
    event: CallEvent;
    before: Call | null;
    call: Call;
    notices: Notice[];
    /** To be counted with the commit; those of `awaited` only by whoever takes them out of the store. */
    final: Final[];
    awaited: Final[];
  }[];
}

interface WorkingUnit {
  changes: Map<string, CallChange>;
  stepped: Stepped[];
}

export interface Batch {
  units: { unit: CommitUnit; stepped: Stepped[] }[];
  /** Nothing to store for these: duplicates, refusals. */
  settled: Stepped[];
  failed: { item: Item; error: unknown }[];
}

/** Within this, what they differ by is the time that asking took. */
const CLOCKS_AGREE_MS = 1_000;

export function stepAll(
  items: Item[],
  loaded: Loaded,
  decider: Decider,
  overrides: Overrides,
  budget: BudgetUse,
  heardAt: number | null,
  /** Of our wall clock, and so of Telnyx's: the store's. */
  storeAheadMs = 0,
): Batch {
  const batch: Batch = { units: [], settled: [], failed: [] };
  const unitOf = new Map<string, WorkingUnit>();
  const units = new Set<WorkingUnit>();

  for (const item of items) {
    try {
      if (loaded.seen.has(`${item.event.callId}\n${keyOf(item.event)}`)) {
        batch.settled.push({ item, received: { result: 'duplicate' }, told: [] });
        continue;
      }
      stepOne(item);
    } catch (error) {
      batch.failed.push({ item, error });
    }
  }
  for (const unit of units) {
    batch.units.push({ unit: { changes: [...unit.changes.values()] }, stepped: unit.stepped });
  }
  return batch;

  function stepOne(item: Item): void {
    const event = withParent(item.event);
    const parentId = event.source === 'webhook' ? (event.parentId ?? null) : null;
    const own = step(event);
    if (own.transition.refused !== null) {
      const received: Received = { result: 'refused', why: own.transition.refused };
      batch.settled.push({ item, received, told: [] });
      return;
    }
    const stepped: Stepped = { item, received: { result: 'committed', call: own.call }, told: [] };
    let unit = keep(own, event, stepped, item.settle);
    if (event.source === 'webhook' && parentId !== null && !isLateCost(event, parentId)) {
      const far = bLegEvent(event, parentId);
      unit = merge(unit, keep(step(far), far, stepped, null));
    }
    unit.stepped.push(stepped);
  }

  /** The bill of a B-leg whose caller is pruned: nothing is left that it could be added to. */
  function isLateCost(event: WebhookEvent, parentId: string): boolean {
    return event.type === 'call.cost' && current(parentId) === null;
  }

  function current(callId: string): { call: Call; version: number } | null {
    const change = unitOf.get(callId)?.changes.get(callId);
    if (change !== undefined) return { call: change.call, version: change.version };
    return loaded.calls.get(callId) ?? null;
  }

  function step(event: CallEvent) {
    const before = current(event.callId)?.call ?? null;
    const result = transition(before, byStoreClock(event, storeAheadMs), {
      now: loaded.now,
      heardAt,
      decide: (facts, moment) => decider.decide(facts, moment, overrides),
      overBudget: (kind, caller) => budget.over(kind, caller),
    });
    for (const notice of result.notices) {
      if (notice.kind === 'attempt_started') {
        budget.started(notice.attempt.kind, result.call.facts.from);
      }
    }
    return { before, call: result.call, transition: result };
  }

  function keep(
    { before, transition: done }: { before: Call | null; transition: Transition },
    event: CallEvent,
    stepped: Stepped,
    settle: Settlement | null,
  ): WorkingUnit {
    const { call } = done;
    let unit = unitOf.get(call.id);
    if (unit === undefined) {
      unit = { changes: new Map(), stepped: [] };
      unitOf.set(call.id, unit);
      units.add(unit);
    }
    const change: CallChange = unit.changes.get(call.id) ?? {
      call,
      version: loaded.calls.get(call.id)?.version ?? 0,
      events: [],
      commands: [],
      cancel: [],
      settle: [],
    };
    change.call = call;
    // What an earlier event of this batch wanted and this one takes back is never stored at all.
    const cancelled = new Set(done.cancel);
    change.commands = change.commands.filter(({ id }) => !cancelled.has(id));
    change.events.push(timelineEntry(event, before, done, loaded.now));
    change.commands.push(...done.commands);
    change.cancel.push(...done.cancel);
    if (settle !== null) change.settle.push(settle);
    unit.changes.set(call.id, change);
    stepped.told.push({ event, before, call, notices: done.notices, ...tallied(change, before) });
    return unit;
  }

  function tallied(change: CallChange, before: Call | null): { final: Final[]; awaited: Final[] } {
    const { call } = change;
    const { final, tally } = tallyOf(before, call, loaded.now);
    const awaited: string[] = [];
    for (const [item, entry] of tally) {
      change.tally ??= new Map();
      // What an earlier event of this batch would have made wait never does.
      if (entry === 'final' && change.tally.delete(item)) final.push(item);
      else change.tally.set(item, entry);
      if (change.tally.get(item) === 'final') awaited.push(item);
    }
    const known = (items: string[]) => items.flatMap((item) => finalOf(call, item) ?? []);
    return { final: known(final), awaited: known(awaited) };
  }

  function merge(a: WorkingUnit, b: WorkingUnit): WorkingUnit {
    if (a === b) return a;
    for (const [id, change] of b.changes) {
      a.changes.set(id, change);
      unitOf.set(id, a);
    }
    a.stepped.push(...b.stepped);
    units.delete(b);
    return a;
  }

  /** Finds the caller's leg of a B-leg: by the envelope, by what is known, or by the session. */
  function withParent(event: CallEvent): CallEvent {
    if (event.source !== 'webhook') return event;
    const parentId = parentOf(event);
    return parentId === null ? event : { ...event, parentId };
  }

  function parentOf(event: WebhookEvent): string | null {
    const known = current(event.callId)?.call ?? null;
    if (known !== null && known.parentId !== null) return known.parentId;
    const { envelope } = event;
    const named = envelope === null ? undefined : loaded.attempts.get(envelope.id);
    if (named !== undefined && named !== event.callId) return named;
    const outgoing = (known?.facts.direction ?? event.facts.direction) === 'outgoing';
    const first = known === null && event.facts.direction === null;
    if (!outgoing && !first) return null;
    const callers = [...loaded.calls.keys()].filter((id) => hasTransferred(id, event));
    const open = callers.filter((id) => isParent(id, event));
    // A B-leg whose attempt is over is a leg all the same, and no call of its own. Not while another attempt
    // is open: what becomes of the leg would be taken for news of that one.
    const parents = open.length > 0 ? open : callers.filter((id) => !isTransferring(id));
    return parents.length === 1 ? (parents[0] ?? null) : null;
  }

  /** Whether a transfer of this call may have made the leg that the event is of. */
  function hasTransferred(id: string, event: WebhookEvent): boolean {
    const call = current(id)?.call;
    if (call === undefined || id === event.callId || call.parentId !== null) return false;
    const { sessionId } = call.facts;
    if (sessionId === null || sessionId !== event.facts.sessionId) return false;
    return call.attempts.some(({ kind, unsent }) => kind === 'transfer' && !unsent);
  }

  function isTransferring(id: string): boolean {
    const attempts = current(id)?.call.attempts ?? [];
    return attempts.some(({ kind, verdict }) => kind === 'transfer' && verdict === null);
  }

  function isParent(id: string, event: WebhookEvent): boolean {
    const attempts = current(id)?.call.attempts ?? [];
    return attempts.some(
      ({ kind, unsent, verdict, bLeg }) =>
        kind === 'transfer' &&
        !unsent &&
        (verdict === null || verdict === 'completed') &&
        (bLeg === null || bLeg === event.callId),
    );
  }
}

/** Telnyx says when an event occurred, and that is compared with when we sent: by one clock, or it misleads. */
function byStoreClock(event: CallEvent, storeAheadMs: number): CallEvent {
  if (event.occurredAt === null || Math.abs(storeAheadMs) < CLOCKS_AGREE_MS) return event;
  return { ...event, occurredAt: event.occurredAt + storeAheadMs };
}

function bLegEvent(event: WebhookEvent, parentId: string): BLegEvent {
  const { id, type, receivedAt, occurredAt, callId, hangupCause, sipHangupCause, cost, recovered } =
    event;
  return {
    source: 'b_leg',
    id,
    type,
    receivedAt,
    occurredAt,
    callId: parentId,
    bLegId: callId,
    attemptId: event.envelope?.id ?? null,
    hangupCause,
    sipHangupCause,
    ...(cost === undefined ? {} : { cost }),
    ...(recovered === undefined ? {} : { recovered }),
  };
}
