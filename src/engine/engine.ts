/** What the shell around the core offers to HTTP, the dispatcher, the sweeper and the command line. */
import type { Call } from '../core/machine/call.ts';
import type { CallEvent } from '../core/machine/event.ts';
import type { Notice } from '../core/machine/notice.ts';
import type { Decision, Moment } from '../core/machine/plan.ts';
import type { Budget, Overrides } from '../core/rules/rule.ts';
import type { ClaimedCommand, Settlement } from '../store/store.ts';
import type { Mark } from './clock.ts';
import type { Final } from './tally.ts';

/**
 * What became of an event. `committed`: stored, with everything that follows from it. `duplicate`: a
 * second delivery; it changed nothing and the first is committed. `refused`: a manual refer that the
 * call's phase does not allow, or a deadline that another event overtook; nothing was stored.
 * `dead_letter`: it could not be stepped; kept for a human.
 */
export type Received =
  | { result: 'committed'; call: Call }
  | { result: 'duplicate' }
  | { result: 'refused'; why: 'no_such_call' | 'ended' | 'being_moved' | 'overtaken' }
  | { result: 'dead_letter' };

export interface Receiver {
  /**
   * Resolves after the commit. Rejects with StoreUnavailable, CommitUnknown, NewerRow or TooBusy: a
   * webhook is answered 503 and Telnyx delivers again. `settle` ends or puts off the command that the
   * event is the outcome of, in the same transaction.
   */
  receive(event: CallEvent, settle?: Settlement): Promise<Received>;
}

/** The live route set as the engine uses it. */
export interface Decider {
  decide(facts: Call['facts'], moment: Moment, overrides: Overrides): Decision;
  budgets(): { refers: Budget; transfers: Budget };
}

/** Where new commands go right after the commit that stored them. */
export interface Outlet {
  /** More than none: commit the new commands as claimed by us and `offer` them. */
  freeSlots(): number;
  /** `askedAt`: before the commit was asked for, so that what froze while it was answered is not taken for young. */
  offer(claimed: ClaimedCommand[], askedAt: Mark): void;
  /** Commands that were stored without being claimed are due. */
  poke(): void;
  cancel(ids: string[]): void;
}

/** Told of everything that was committed, for logs, metrics and traces. */
export interface Observer {
  committed(event: CallEvent, before: Call | null, call: Call, notices: Notice[]): void;
  /** A second delivery; it changed nothing. */
  duplicate(event: CallEvent): void;
  deadLetter(event: CallEvent, error: unknown): void;
  batch(events: number, loadMs: number, commitMs: number): void;
  /** A verdict or the end of a call that is final now: told once, by one replica. */
  counted?(final: Final): void;
}
