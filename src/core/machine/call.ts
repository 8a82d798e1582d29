/**
 * The words of this program, one meaning each. ARCHITECTURE.md draws them; everything else uses them.
 *
 * - call: one leg, keyed by Telnyx's `call_control_id`; `call_session_id` groups legs
 * - phase: where our machine is with a call (never "state": Telnyx has `state` and `client_state`)
 * - event: something that happened to a call: a webhook, the outcome of a command, a deadline reached
 * - command: something we ask Telnyx to do; a value, stored before it is sent
 * - outcome: what became of a command: accepted, rejected, retry, unknown
 * - attempt: one try to move the caller (a refer or a transfer); it ends in a verdict
 * - target: a named SIP destination and how to reach it
 * - plan: the steps still to do for one call, a stack of lists (branches nest), stored with it
 */
import type { Command } from './command.ts';
import type { PinnedPolicy, Step } from './plan.ts';
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

/** How a call ended; null while it lives. */
export const ENDS = [
  'referred',
  'transferred',
  'rejected',
  'hung_up',
  'abandoned',
  'failed',
  'unconfirmed',
  'ignored',
] as const;
export type Ends = (typeof ENDS)[number];

export type Direction = 'incoming' | 'outgoing';

/** What Telnyx reported about the leg; every field may be missing, nothing in a payload is required. */
export interface CallFacts {
  callId: string;
  sessionId: string | null;
  legId: string | null;
  /** Decimal text of 19 digits, beyond 2^53: never a number. */
  connectionId: string | null;
  from: string | null;
  to: string | null;
  direction: Direction | null;
  callerName: string | null;
  callerType: 'pstn' | 'sip' | null;
  /** STIR/SHAKEN level; counts only when `attestationValidated`. */
  attestation: string | null;
  attestationValidated: boolean;
  /** custom_headers and sip_headers of the INVITE. The caller writes them: never for authorisation. */
  headers: { name: string; value: string }[];
  tags: string[];
}

export interface Attempt {
  /** Equal to the id of its one command, so that a replay names it alike. */
  id: string;
  kind: 'refer' | 'transfer';
  target: string | null;
  sipAddress: string;
  startedAt: number;
  /** First time the command went out, by the store's clock; until known, when it was stored. */
  sentAt: number;
  /** When its last request ended that may have reached Telnyx, whatever the answer. */
  requestEndedAt: number | null;
  /** When Telnyx accepted it, or the first sign that it did. */
  acceptedAt: number | null;
  /** A 1xx or `started` arrived: the far end may be ringing. */
  progress: boolean;
  /** Null while open. */
  verdict: Verdict | null;
  endedAt: number | null;
  /** call.refer.completed or call.refer.failed arrived; a verdict without it is our own conclusion. */
  final: boolean;
  sipNotifyResponse: number | null;
  /** In words: what the verdict rests on. */
  reason: string | null;
  byeWithoutVerdict: 'unconfirmed' | 'completed';
  /** Stopped by a budget or a bad template before any command existed, or its command never left. */
  unsent: boolean;
  /** Its command was taken back because an older attempt, given up, began to ring; null otherwise. */
  takenBackAt: number | null;
  /** The route names a branch for no_verdict: the plan moves on though this one may yet be answered. */
  movesOnAnyway: boolean;
  /** call_control_id of the transfer's B-leg, once an event of it arrived. */
  bLeg: string | null;
  bLegAnswered: boolean;
  /** The hangup of its B-leg that is on its way; null where there is none, or the leg has ended. */
  bLegHangup: string | null;
  /** Its B-leg's hangup was heard. */
  bLegEnded: boolean;
  manual: boolean;
}

/**
 * Why a deadline is set:
 * undecided (new), step (answering, speaking, gathering), attempt, patience, probing (three unknowns
 * in 15 s), referred (hangup expected), release (hang up again), watch (slow probe), final (a newer
 * attempt still open after a completed one).
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
  | 'final';

export interface Deadline {
  name: DeadlineName;
  /** Milliseconds since the epoch, by the store's clock. */
  dueAt: number;
  setAt: number;
  /** Counts the deadlines of this call, so that each has an id of its own that replicas agree on. */
  n: number;
  /** Late deadlines are put off once, so that Telnyx's retried webhooks come first. */
  putOff: boolean;
}

/** A voice command whose end has not been heard yet: a step of the plan, or `while_moving`. */
export interface Voice {
  id: string;
  kind: 'speak' | 'play' | 'gather';
  loop: boolean;
  /** Its `started` was heard: it plays, whatever its request was answered. */
  started: boolean;
}

/** What a probe was sent for: what the machine does with its answer. */
export interface Probe {
  why: 'attempt' | 'patience' | 'b_leg' | 'step' | 'referred' | 'watch';
  unknowns: number;
  commandId: string;
}

/** One list of the plan's stack; the last frame runs. A branch is a frame above the list it left. */
export interface Frame {
  steps: Step[];
}

/** What a manual refer interrupted, to return to when it fails. */
export interface Suspended {
  phase: Phase;
  plan: Frame[];
  running: Running | null;
  /** What the interrupted step waited for arrived meanwhile. */
  done: { digits: string | null } | null;
}

/** The step that holds the plan at the moment. */
export interface Running {
  /** Step id: the id of the step's command. */
  id: string;
  step: Step;
}

export interface Call {
  id: string;
  facts: CallFacts;
  createdAt: number;
  endedAt: number | null;
  /** Its hangup says that the caller ended it; false while it lives, and where nobody knows. */
  endedByCaller: boolean;
  /** When the last webhook of this leg reached us. */
  heardAt: number | null;
  phase: Phase;
  ends: Ends | null;
  answered: boolean;
  /** Our answer was refused: steps that need an answered call are skipped. */
  answerRefused: boolean;
  /** 90034 makes us answer once a call, then send the refused command again. */
  answeredAgain: boolean;
  /** client_state that was there before us; travels on as `u`. */
  foreignState: string | null;
  /** We put our envelope on the leg: handing the call back restores `foreignState`. */
  stamped: boolean;
  /** call_control_id of the caller's leg, where this call is the B-leg of a transfer of ours. */
  parentId: string | null;
  decided: boolean;
  rule: string | null;
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
  /** Moving is over: patience ran out. */
  patienceOver: boolean;
  /** Moving is unsafe: an attempt with progress ended without a verdict and may still be answered. */
  movingUnsafe: boolean;
  probe: Probe | null;
  /** Slow probes in a row that got no answer. */
  unseen: number;
  /** How often the hangup was sent again. */
  releases: number;
  /** Why we are releasing; becomes `ends`. */
  releasedAs: Ends | null;
  suspended: Suspended | null;
  /** Commands whose outcome has not been heard: what a `cancel` may take back. */
  outstanding: { id: string; action: string; legId: string }[];
  /** Prompts of this leg that wait until the one before has its outcome: Telnyx plays in our order. */
  parked: Command[];
}

export const MOVING_PHASES: ReadonlySet<Phase> = new Set(['referring', 'transferring']);
