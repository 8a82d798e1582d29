/**
 * The terms of this program, with one meaning each.
 *
 * - call: one leg, keyed by Telnyx's `call_control_id`; `call_session_id` groups legs
 * - phase: where our state machine is with a call; not "state", which is a word of Telnyx's
 * - event: something that happened to a call: a webhook, the outcome of a command, a due deadline
 * - command: something we ask Telnyx to do; a value, stored before it is sent
 * - outcome: the result of a command: accepted, rejected, retry, unknown
 * - attempt: one try to move the caller (a refer or a transfer); it ends in a verdict
 * - verdict: the result of an attempt: completed, busy, no_answer and so on; see verdict.ts
 * - target: a named SIP destination and how to reach it
 * - rule: a condition on calls, and the steps for those that match; a handler is one in TypeScript
 * - step: one thing a rule does, such as refer, say or hangup
 * - plan: the steps a call still has to run; a stack of lists, because branches nest
 */
import type { Command } from './command.ts';
import type { Cost } from './cost.ts';
import type { Moment, PinnedPolicy, Step, TableRow } from './plan.ts';
import type { Verdict } from './verdict.ts';

export type { Verdict } from './verdict.ts';

export const PHASES = [
  'new',
  'answering',
  'referring',
  'transferring',
  'speaking',
  'gathering',
  'referred',
  'bridged',
  'releasing',
  'unmanaged',
  'ended',
] as const;
export type Phase = (typeof PHASES)[number];

/** How a call ended; null while it is live. */
export const ENDS = [
  'referred',
  'transferred',
  'rejected',
  'hung_up',
  'abandoned',
  'failed',
  'unconfirmed',
  'ignored',
  /** We heard of the caller only after they had hung up. */
  'missed',
] as const;
export type Ends = (typeof ENDS)[number];

export type Direction = 'incoming' | 'outgoing';

/**
 * What Telnyx reported about the leg. Every field may be missing, because no field of a payload is
 * required.
 */
export interface CallFacts {
  callId: string;
  sessionId: string | null;
  legId: string | null;
  /** Up to 19 decimal digits, more than a number can hold exactly (2^53). */
  connectionId: string | null;
  from: string | null;
  to: string | null;
  direction: Direction | null;
  callerName: string | null;
  callerType: 'pstn' | 'sip' | null;
  /** STIR/SHAKEN level; counts only if `attestationValidated`. */
  attestation: string | null;
  attestationValidated: boolean;
  /**
   * custom_headers and sip_headers of the INVITE. The caller writes them, so never use them for
   * authorisation.
   */
  headers: { name: string; value: string }[];
  tags: string[];
  /** Answers of the lookups that were asked for this call, by name; absent: none was. */
  lookups?: Readonly<Record<string, LookupFact>>;
}

/** The result of a lookup. It is final: the lookup is never asked again for this call. */
export interface LookupFact {
  /** Written by whoever runs the other server, so never use them for authorisation. */
  values: Readonly<Record<string, string>>;
  /** Why there is no answer, in words; null if there is one. */
  failed: string | null;
}

/** A lookup that the decision is waiting for. */
export interface Asking {
  /** The name of the lookup. */
  name: string;
  /** The id of its command. */
  id: string;
  askedAt: number;
  /** What is decided once it is answered: the event that needed it, and later ones. */
  moments: Moment[];
}

export interface Attempt {
  /** Equals the id of its single command, so that a replay gives the same id. */
  id: string;
  kind: 'refer' | 'transfer';
  target: string | null;
  sipAddress: string;
  startedAt: number;
  /**
   * When the command was first sent, by the store's clock; until that is known, when it was stored
   * or, if every try was turned away, when the next one is due.
   */
  sentAt: number;
  /** When the last request that may have reached Telnyx ended, whatever the answer. */
  requestEndedAt: number | null;
  /** When Telnyx accepted it, or when that was first proven. */
  acceptedAt: number | null;
  /** A 1xx or `started` arrived: the far end may be ringing. */
  progress: boolean;
  /** Null while open. */
  verdict: Verdict | null;
  /** When we heard of its end. */
  endedAt: number | null;
  /** How much earlier it was: see heard-late.ts. */
  endHeardLateMs: number;
  /** call.refer.completed or .failed arrived; a verdict without it is our own conclusion. */
  final: boolean;
  /** It was a call.refer.failed that a newer attempt may have had instead. */
  finalUnclear: boolean;
  sipNotifyResponse: number | null;
  /** What the verdict is based on, in words. */
  reason: string | null;
  byeWithoutVerdict: 'unconfirmed' | 'completed';
  /**
   * A budget or a bad template stopped it before a command existed, or its command was never sent.
   */
  unsent: boolean;
  /**
   * When its command was cancelled because an older, given-up attempt began to ring; null
   * otherwise.
   */
  takenBackAt: number | null;
  /**
   * The route has a branch for no_verdict, so the plan moves on although this may still be
   * answered.
   */
  movesOnAnyway: boolean;
  /** call_control_id of the transfer's B-leg, once an event of it has arrived. */
  bLeg: string | null;
  bLegAnswered: boolean;
  /** Id of the hangup for its B-leg; null if there is none or the leg has ended. */
  bLegHangup: string | null;
  /** The hangup webhook of its B-leg arrived. */
  bLegEnded: boolean;
  manual: boolean;
}

/**
 * Why a deadline is set: undecided (new), step (answering, speaking, gathering), attempt, patience,
 * probing (three probes in 15 s), referred (hangup expected), release (hang up again), watch (slow
 * probe), final (a newer attempt is still open after one completed), lookup (its answer is due).
 */
export type DeadlineName =
  | 'undecided'
  | 'step'
  | 'attempt'
  | 'patience'
  | 'probing'
  | 'referred'
  | 'release'
  | 'watch'
  | 'final'
  | 'lookup';

export interface Deadline {
  name: DeadlineName;
  /** Milliseconds since the epoch, by the store's clock. */
  dueAt: number;
  setAt: number;
  /** Counts the deadlines of this call, which gives each an id that replicas agree on. */
  n: number;
  /** Overdue deadlines are postponed once, so that webhooks delivered again are processed first. */
  putOff: boolean;
}

/** A prompt whose end has not been reported yet: a step of the plan, or `while_moving`. */
export interface Voice {
  id: string;
  kind: 'speak' | 'play' | 'gather';
  loop: boolean;
  /** Its `started` arrived, so it plays, whatever the answer to its request was. */
  started: boolean;
}

/** Why a probe was sent, which decides what its answer means. */
export interface Probe {
  why: 'attempt' | 'patience' | 'b_leg' | 'step' | 'referred' | 'watch';
  unknowns: number;
  commandId: string;
}

/**
 * One list of the plan's stack. The last frame runs; a branch is a frame above the list it left.
 */
export interface Frame {
  steps: Step[];
}

/** What a manual refer interrupted; the call returns to it if the refer fails. */
export interface Suspended {
  phase: Phase;
  plan: Frame[];
  running: Running | null;
  /** What the interrupted step was waiting for has arrived meanwhile. */
  done: { digits: string | null } | null;
}

/** The step that is running. */
export interface Running {
  /** The id of the step's command. */
  id: string;
  step: Step;
}

export interface Call {
  id: string;
  facts: CallFacts;
  createdAt: number;
  /** When we heard of it. */
  endedAt: number | null;
  /** How much earlier it was: see heard-late.ts. */
  endHeardLateMs: number;
  /**
   * The hangup says that the caller ended the call; false while it is live and if it is unknown.
   */
  endedByCaller: boolean;
  /** When an operator acknowledged a lost caller, whose call ended as `missed`. */
  acknowledgedAt: number | null;
  /** When the last webhook of this leg arrived. */
  heardAt: number | null;
  phase: Phase;
  ends: Ends | null;
  /** Its steps may run that need an answered call. */
  answered: boolean;
  /** Only because nothing shows whether Telnyx executed the answer. */
  answerAssumed: boolean;
  /** Telnyx refused to answer the call, so steps that need an answered call are skipped. */
  answerRefused: boolean;
  /** After 90034 we answer the call once, then send the refused command again. */
  answeredAgain: boolean;
  /** The client_state that was there before ours; it is passed on as `u`. */
  foreignState: string | null;
  /** Our envelope is on the leg; handing the call back restores `foreignState`. */
  stamped: boolean;
  /**
   * call_control_id of the caller's leg if this call is the B-leg of our transfer, otherwise null.
   */
  parentId: string | null;
  decided: boolean;
  asking: Asking | null;
  rule: string | null;
  /** Of tables: where the rule that decided found the call. */
  rows: readonly TableRow[];
  /** The label of the called number, from the routes that decided. */
  label: string | null;
  routeSet: string | null;
  policy: PinnedPolicy | null;
  plan: Frame[];
  lastResort: Step[];
  lastResortRan: boolean;
  running: Running | null;
  attempts: Attempt[];
  voices: Voice[];
  deadlines: Deadline[];
  deadlineCount: number;
  /** Patience ran out, so the caller is no longer moved. */
  patienceOver: boolean;
  /**
   * Moving is unsafe, because an attempt with progress ended without a verdict and may still be
   * answered.
   */
  movingUnsafe: boolean;
  probe: Probe | null;
  /** Number of slow probes in a row without an answer. */
  unseen: number;
  /** How many times the hangup was repeated. */
  releases: number;
  /** Why the call is being released; becomes `ends`. */
  releasedAs: Ends | null;
  /** An operator hung up, while no step had done so and nobody had been reached. */
  releasedByOperator: boolean;
  suspended: Suspended | null;
  /**
   * Commands without an outcome, which `cancel` may cancel. `turnedAway`: Telnyx answered the last
   * try, and did not execute it: 429, or 409.
   */
  outstanding: { id: string; action: string; legId: string; turnedAway?: boolean }[];
  /**
   * Prompts that wait for the outcome of the previous one, so that Telnyx plays them in our order.
   */
  parked: Command[];
  /** What Telnyx charged for it, including its B-legs. */
  costs: Cost[];
}

export const MOVING_PHASES: ReadonlySet<Phase> = new Set(['referring', 'transferring']);
