/** What the shell around the core offers to HTTP, the command line and the sweeper. */
import type { Call } from '../core/call.ts';
import type { CallEvent } from '../core/event.ts';

/**
 * What became of an event. `committed`: stored, with everything that follows from it. `duplicate`:
 * a second delivery; it changed nothing and the first is committed. `refused`: a manual refer that the
 * call's phase does not allow; nothing was stored.
 */
export type Received =
  | { result: 'committed'; call: Call }
  | { result: 'duplicate' }
  | { result: 'refused'; why: 'no_such_call' | 'ended' | 'being_moved' };

export interface Receiver {
  /**
   * Resolves after the commit. Rejects with StoreUnavailable, CommitUnknown, NewerRow or TooBusy: the
   * caller answers 503 and Telnyx delivers again.
   */
  receive(event: CallEvent): Promise<Received>;
}
