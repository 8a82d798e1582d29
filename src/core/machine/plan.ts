/** The steps of one call: targets resolved, templates filled, secrets still references. */
import type { LookupRequest } from './command.ts';
import type { FailedVerdict, Verdict } from './verdict.ts';

/** What `if_failed` names; `any` is the rest, and skipped. */
export type Branches = { [K in FailedVerdict | 'any']?: Step[] };

export interface ReferStep {
  do: 'refer';
  /** Name of the target; null for a literal SIP URI. */
  target: string | null;
  sipAddress: string;
  timeoutMs: number;
  userToUser: string | null;
  headers: { name: string; value: string }[];
  /**
   * References such as `${PBX_PASSWORD}`. They are resolved for each request and never stored
   * resolved.
   */
  auth: { username: string; password: string } | null;
  byeWithoutVerdict: 'unconfirmed' | 'completed';
  ifFailed: Branches;
  /**
   * Why this step is not possible (empty template value, destination against policy): fails as
   * rejected.
   */
  problem: string | null;
  /**
   * Set on all but the last of a `pick`: its sibling follows in the list and precedes
   * `if_failed.any`.
   */
  sibling: boolean;
  otherWay?: OtherWay;
  /** Of the attempt that it becomes, where whoever asked for it has been told: a manual refer. */
  attemptId?: string;
}

export interface TransferStep {
  do: 'transfer';
  /** E.164 number or SIP URI. */
  to: string;
  target: string | null;
  from: string | null;
  timeoutMs: number;
  userToUser: string | null;
  headers: { name: string; value: string }[];
  auth: { username: string; password: string } | null;
  ifFailed: Branches;
  problem: string | null;
  sibling: boolean;
  otherWay?: OtherWay;
}

/**
 * `via`: the same destination reached in another way, which follows at once if this one is not
 * open to the caller. Its branches and sibling are those of the step that has it.
 */
export type OtherWay =
  | Omit<ReferStep, 'ifFailed' | 'sibling' | 'otherWay'>
  | Omit<TransferStep, 'ifFailed' | 'sibling' | 'otherWay'>;

export interface SayStep {
  do: 'say';
  text: string;
  voice: string;
  language: string | null;
}

export interface PlayStep {
  do: 'play';
  url: string;
}

export interface MenuStep {
  do: 'menu';
  /** Empty where a recording is played. */
  text: string;
  /** Address of a recording, instead of the text. */
  play?: string;
  voice: string;
  language: string | null;
  digits: Record<string, Step[]>;
  tries: number;
  timeoutMs: number;
}

export type Step =
  | ReferStep
  | TransferStep
  | SayStep
  | PlayStep
  | MenuStep
  | { do: 'reject'; cause: 'busy' | 'declined' }
  | { do: 'hangup' }
  | { do: 'ignore' }
  | { do: 'continue' };

/** The steps inside a step, of a plan (`Step`) or a route file (`RouteStep`); lists every kind. */
export type Nesting<S> =
  | { do: 'refer' | 'transfer'; ifFailed: { [K in FailedVerdict | 'any']?: S[] } }
  | { do: 'menu'; digits: Record<string, S[]> }
  | { do: 'say' | 'play' | 'reject' | 'hangup' | 'ignore' | 'continue' };

/** The nested lists of a step: of its `if_failed`, or of the keys of a menu. */
export function branchesOf<S>(step: Nesting<S>): S[][] {
  switch (step.do) {
    case 'refer':
    case 'transfer':
      return Object.values(step.ifFailed);
    case 'menu':
      return Object.values(step.digits);
    default:
      return [];
  }
}

/** Puts a step in front of the running list, so that it is the next one again. */
export function putBackStep(plan: { steps: Step[] }[], step: Step): void {
  const frame = plan.at(-1);
  if (frame === undefined) plan.push({ steps: [step] });
  else plan[plan.length - 1] = { steps: [step, ...frame.steps] };
}

export type MovingStep = ReferStep | TransferStep;

export function isMoving(step: Step): step is MovingStep {
  return step.do === 'refer' || step.do === 'transfer';
}

/**
 * The way that follows after a verdict, with the branches of the step; null where none does. Only
 * verdicts by which nobody was called: of an attempt without one it is unknown who is rung.
 */
export function nextWay(step: MovingStep, verdict: Verdict): MovingStep | null {
  const { otherWay, ifFailed, sibling } = step;
  if (otherWay === undefined) return null;
  const closed = verdict === 'not_allowed' || verdict === 'rejected';
  return closed ? { ...otherWay, ifFailed, sibling } : null;
}

/** The part of the policy that is stored with the call. */
export interface PinnedPolicy {
  patienceMs: number;
  whileMoving: SayStep | PlayStep | null;
  /** Budgets of one call; null: no limit. */
  refersPerCall: number | null;
  transfersPerCall: number | null;
}

/** One rule that was tried: it matched, or the first clause that did not, in words. */
export interface TraceLine {
  rule: string;
  matched: boolean;
  why: string;
}

/** A row of an operator's table, by its key as the file has it. */
export interface TableRow {
  table: string;
  key: string;
  /** Whose number the key is: the caller's or the called one. */
  of: 'from' | 'to';
}

/**
 * What a decision without a rule is called where one is asked for by name. No rule may have it.
 */
export const OTHERWISE = 'otherwise';

/**
 * The decision about a call. `rule` null with a plan is `otherwise`; `plan` null leaves the call
 * unmanaged (an outgoing leg that no rule matches, or one for a rule on a later event).
 */
export interface Decision {
  rule: string | null;
  routeSet: string;
  /** What the operator calls the number that was called. */
  label: string | null;
  plan: Step[] | null;
  lastResort: Step[];
  policy: PinnedPolicy;
  trace: TraceLine[];
  /** The reason in words: the clauses of the rule that matched, or why nothing was decided. */
  why: string;
  /** Failures of handlers (threw, took too long). */
  warnings: string[];
  /** Rows of tables that the rule found the call in; absent: it asked for none. */
  rows?: readonly TableRow[];
  /** Nothing is decided yet: this must be asked first. Never one that the facts know already. */
  lookup?: LookupRequest;
}

/** The event to decide on; rules name it in `event`. */
export interface Moment {
  event: 'call.initiated' | 'call.answered' | 'call.dtmf.received';
  digits: string | null;
  /** Receive time stored with the event, milliseconds since the epoch. */
  at: number;
}
