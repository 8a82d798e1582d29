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
import type { Final } from './receiving/tally.ts';

/**
 * What became of an event. `committed`: stored with everything that follows from it. `duplicate`: a
 * second delivery, which changed nothing; the first is committed. `refused`: an operator's action
 * that the call's phase does not allow, or a deadline that another event made obsolete; nothing was
 * stored. `dead_letter`: it could not be processed and is kept for an operator.
 */
export type Received =
  | { result: 'committed'; call: Call }
  | { result: 'duplicate' }
  | { result: 'refused'; why: Refused }
  | { result: 'dead_letter' };

export interface Receiver {
  /**
   * Resolves after the commit. Rejects with StoreUnavailable, CommitUnknown, NewerRow or TooBusy; a
   * webhook is then answered with 503 and Telnyx delivers it again. `settle` ends or postpones the
   * command whose outcome the event is, in the same transaction.
   */
  receive(event: CallEvent, settle?: Settlement): Promise<Received>;
}

/** The live route set as the engine uses it. */
export interface Decider {
  /** `routeSet`: the set that already decided on this call, if any. */
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

/**
 * Receives new commands right after the commit that stored them. `guardOutlet` reports what throws
 * here and goes on, as with observers.
 */
export interface Outlet {
  /** If above zero, new commands are committed as claimed by us and then offered. */
  freeSlots(): number;
  /**
   * `askedAt`: taken before the commit, so that a freeze during the commit does not make it look
   * recent.
   */
  offer(claimed: ClaimedCommand[], askedAt: Mark): void;
  /** The store has commands that are due and were not claimed by their commit. */
  wake(): void;
  cancel(ids: string[]): void;
}

/**
 * Called for everything that was committed, for logs, metrics and traces. Nothing may depend on it:
 * the event is already stored and its commands are waiting to be sent, so `combineObservers`
 * reports an observer that throws and continues.
 */
export interface Observer {
  committed(event: CallEvent, before: Call | null, call: Call, notices: Notice[]): void;
  /** A second delivery, which changed nothing. */
  duplicate(event: CallEvent): void;
  deadLetter(event: CallEvent, error: unknown): void;
  /** `loadMs` and `commitMs`: how long the store took. */
  batch(events: number, loadMs: number, commitMs: number): void;
  /** A verdict or an end that is final now; called once, on one replica. */
  counted(final: Final): void;
}
