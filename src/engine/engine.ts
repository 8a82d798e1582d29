/** The interfaces of the engine for HTTP, the dispatcher, the sweeper and the command line. */
import type { Call } from '../core/machine/call.ts';
import type { CallEvent } from '../core/machine/event.ts';
import type { Notice } from '../core/machine/notice.ts';
import type { Decision, Moment } from '../core/machine/plan.ts';
import type { Refused } from '../core/machine/transition.ts';
import type { Overrides } from '../core/rules/override.ts';
import type { Budget } from '../core/rules/rule.ts';
import type { Settlement } from '../store/contract/calls.ts';
import type { ClaimedCommand } from '../store/contract/outbox.ts';
import type { Mark } from './clock.ts';
import type { Final } from './tally.ts';

/**
 * The result of an event. `committed`: stored with everything that follows from it. `duplicate`: a
 * second delivery, which changed nothing; the first is committed. `refused`: an operator's action
 * that the call's phase does not allow, or a deadline that another event made obsolete; nothing was
 * stored. `dead_letter`: it could not be processed and is kept for a human.
 */
export type Received =
  | { result: 'committed'; call: Call }
  | { result: 'duplicate' }
  | { result: 'refused'; why: Refused }
  | { result: 'dead_letter' };

export interface Receiver {
  /**
   * Resolves after the commit. Rejects with StoreUnavailable, CommitUnknown, NewerRow or TooBusy; a
   * webhook is then answered 503 and Telnyx delivers again. `settle` ends or postpones the command
   * that the event is the outcome of, in the same transaction.
   */
  receive(event: CallEvent, settle?: Settlement): Promise<Received>;
}

/** The live route set as the engine uses it. */
export interface Decider {
  /** `routeSet`: the set that the call follows already, if one has decided on it. */
  decide(
    facts: Call['facts'],
    moment: Moment,
    overrides: Overrides,
    routeSet: string | null,
  ): Decision;
  budgets(): { refers: Budget; transfers: Budget };
  /** False: the routes say that this target never rests. */
  rests?(target: string): boolean;
}

/** Receives new commands right after the commit that stored them. */
export interface Outlet {
  /** If above zero, the new commands are committed as claimed by us and then offered. */
  freeSlots(): number;
  /**
   * `askedAt`: taken before the commit, so that a freeze during the commit does not make it look
   * recent.
   */
  offer(claimed: ClaimedCommand[], askedAt: Mark): void;
  /** Commands that were stored unclaimed are due. */
  poke(): void;
  cancel(ids: string[]): void;
}

/**
 * Is called for everything that was committed, for logs, metrics and traces. Nothing may depend on
 * what it does: `combineObservers` reports one that throws and goes on, because the event is stored
 * already and its commands wait to be sent.
 */
export interface Observer {
  committed(event: CallEvent, before: Call | null, call: Call, notices: Notice[]): void;
  /** A second delivery, which changed nothing. */
  duplicate(event: CallEvent): void;
  deadLetter(event: CallEvent, error: unknown): void;
  batch(events: number, loadMs: number, commitMs: number): void;
  /** A verdict or an end that is final now; called once, on one replica. */
  counted?(final: Final): void;
}
