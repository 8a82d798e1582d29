/**
 * A call as it was recorded: its events with everything that `transition` was given for them, and
 * the stored call. Run through the machine again, the events lead to the stored call.
 */
import type { Call, Ends, Phase } from '../machine/call.ts';
import type { CallEvent } from '../machine/event.ts';
import type { Decision } from '../machine/plan.ts';
import type { Overrides } from '../rules/override.ts';

/**
 * Raise it whenever recorded events no longer lead to the same call: the machine decides something
 * differently, or events are recorded in another form. Calls with an older number are counted
 * separately.
 */
export const RECORDING_SCHEMA = 1;

/**
 * `complete`: its events can be run again. `cut`: it has more events than a timeline keeps.
 * `older`, `newer`: recorded by another release, or not at all.
 */
export type Recording = 'complete' | 'cut' | 'older' | 'newer';

export interface RecordedCall {
  callId: string;
  schema: number;
  recording: Recording;
  /** In the order in which they were applied; empty if another release recorded them. */
  events: RecordedEvent[];
  /** The call as it is stored. */
  stored: Call;
  /** Columns that lists and statistics read and that differ from `stored`; none in an export. */
  misfiled?: Misfiled[];
}

export interface Misfiled {
  /** `phase`, `ends`, `attempts`, or the name of another column. */
  what: string;
  column: unknown;
  document: unknown;
}

export interface RecordedEvent {
  /**
   * The event as the machine was given it, with `occurredAt` by the store's clock. A webhook
   * contains only the facts that the call did not know yet.
   */
  event: CallEvent;
  /** `World.now`. */
  now: number;
  answers: Answers;
  /** The phase afterwards, and the ids of the commands that followed. */
  phase: Phase;
  commands: string[];
}

/** What the machine asked its world for while it processed one event, in order. */
export interface Answers {
  /** `World.heardAt`; also null if it was not asked for. */
  heardAt: number | null;
  /** Null: a later event that no rule matches. Trailing nulls are left out. */
  decisions: (Decision | null)[];
  /** Null: within the budget. Trailing nulls are left out. */
  overBudget: (string | null)[];
  /** Null: the target did not rest. Trailing nulls are left out. */
  resting: (string | null)[];
  /** Null: not known to refuse a REFER. Trailing nulls are left out. */
  refusesRefers: (string | null)[];
  /** The overrides of schedules and switches at the decision. */
  overrides: Overrides;
}

/** The outcome of a call, in the terms in which two calls are compared. */
export interface Became {
  rule: string | null;
  /** Targets in order; the address if a destination has no name. */
  attempts: string[];
  ends: Ends | null;
}

export function becameOf({ rule, attempts, ends }: Call): Became {
  return { rule, attempts: attempts.map(({ target, sipAddress }) => target ?? sipAddress), ends };
}

export interface RecordedDecision {
  decision: Decision;
  event: RecordedEvent;
}

/**
 * The decision that the call follows: the last one with a plan. For a call that was left unmanaged
 * it is the one that left it so; null if nothing was ever decided.
 */
export function decisionOf({ events }: Pick<RecordedCall, 'events'>): RecordedDecision | null {
  let found: RecordedDecision | null = null;
  for (const event of events) {
    for (const decision of event.answers.decisions) {
      if (decision === null || decision.lookup !== undefined) continue;
      if (found === null || decision.plan !== null) found = { decision, event };
    }
  }
  return found;
}
