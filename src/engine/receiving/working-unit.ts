/** The changes of a batch while its events are applied. What must commit together is one unit. */
import type { Call } from '../../core/machine/call.ts';
import type { CallEvent } from '../../core/machine/event.ts';
import type { Notice } from '../../core/machine/notice.ts';
import type { Transition } from '../../core/machine/transition.ts';
import type { CallChange, CommitUnit, Loaded, Settlement } from '../../store/contract/calls.ts';
import type { TimelineEntry } from '../../store/contract/timeline.ts';
import type { Received } from '../engine.ts';
import type { QueuedEvent } from './queue.ts';
import { type Final, finalOf, type tallyOf } from './tally.ts';

/** An event whose changes commit with a unit, and what is reported after the commit. */
export interface Applied {
  queued: QueuedEvent;
  received: Received;
  transitions: AppliedTransition[];
}

export interface AppliedTransition {
  event: CallEvent;
  before: Call | null;
  call: Call;
  notices: Notice[];
  /** Counted as soon as the unit is committed. */
  final: Final[];
  /** Counted only by the replica that takes them out of the store. */
  awaited: Final[];
}

export interface BatchUnit {
  unit: CommitUnit;
  applied: Applied[];
}

export interface WorkingUnit {
  changes: Map<string, CallChange>;
  applied: Applied[];
}

/** An event that the machine has processed, with all that is stored of it. */
export interface Played {
  event: CallEvent;
  before: Call | null;
  transition: Transition;
  entry: TimelineEntry;
  counted: ReturnType<typeof tallyOf>;
}

export class WorkingUnits {
  readonly #loaded: Loaded;
  readonly #byCall = new Map<string, WorkingUnit>();
  readonly #units = new Set<WorkingUnit>();

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  /** The call after the events so far; null if there is none. */
  callOf(callId: string): Call | null {
    const change = this.#byCall.get(callId)?.changes.get(callId);
    return change?.call ?? this.#loaded.calls.get(callId)?.call ?? null;
  }

  /**
   * Adds it to its call's unit, and to what is reported about the event. Nothing in here may throw:
   * what an event changes of two calls is added one after the other.
   */
  add(
    { event, before, transition, entry, counted }: Played,
    applied: Applied,
    settle: Settlement | null,
  ): WorkingUnit {
    const { call, notices } = transition;
    const unit = this.#unitOf(call.id);
    const change = this.#changeOf(unit, call);
    change.call = call;
    // A command of this batch that a later event of the batch cancels is never stored.
    const cancelled = new Set(transition.cancel);
    change.commands = change.commands.filter(({ id }) => !cancelled.has(id));
    change.events.push(entry);
    change.commands.push(...transition.commands);
    change.cancel.push(...transition.cancel);
    if (settle !== null) change.settle.push(settle);
    applied.transitions.push({ event, before, call, notices, ...tally(change, counted) });
    return unit;
  }

  /** From now on both commit together. */
  merge(one: WorkingUnit, other: WorkingUnit): WorkingUnit {
    if (one === other) return one;
    for (const [callId, change] of other.changes) {
      one.changes.set(callId, change);
      this.#byCall.set(callId, one);
    }
    one.applied.push(...other.applied);
    this.#units.delete(other);
    return one;
  }

  all(): BatchUnit[] {
    return [...this.#units].map(({ changes, applied }) => ({
      unit: { changes: [...changes.values()] },
      applied,
    }));
  }

  #unitOf(callId: string): WorkingUnit {
    const known = this.#byCall.get(callId);
    if (known !== undefined) return known;
    const unit: WorkingUnit = { changes: new Map(), applied: [] };
    this.#byCall.set(callId, unit);
    this.#units.add(unit);
    return unit;
  }

  #changeOf(unit: WorkingUnit, call: Call): CallChange {
    const known = unit.changes.get(call.id);
    if (known !== undefined) return known;
    const version = this.#loaded.calls.get(call.id)?.version ?? 0;
    const change: CallChange = {
      call,
      version,
      events: [],
      commands: [],
      cancel: [],
      settle: [],
      tally: new Map(),
    };
    unit.changes.set(call.id, change);
    return change;
  }
}

/** Writes what is to be counted later into the change; returns what is counted with this commit. */
function tally(
  change: CallChange,
  counted: Played['counted'],
): { final: Final[]; awaited: Final[] } {
  const { call } = change;
  const final = [...counted.final];
  const awaited: string[] = [];
  for (const [item, entry] of counted.tally) {
    // An earlier event of this batch made it wait, and nothing of that is stored yet.
    if (entry === 'final' && change.tally.delete(item)) final.push(item);
    else {
      change.tally.set(item, entry);
      if (entry === 'final') awaited.push(item);
    }
  }
  const known = (items: string[]) => items.flatMap((item) => finalOf(call, item) ?? []);
  return { final: known(final), awaited: known(awaited) };
}
