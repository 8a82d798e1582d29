/** Expresses the filter by outcome in columns: how a call ended, and whether it had an attempt. */
import { ENDS, type Ends } from '../../core/machine/call.ts';
import { type CallerOutcome, callerOutcome } from '../../core/machine/caller-outcome.ts';

export interface OutcomeEnds {
  /** Ends that match whether or not there was an attempt. */
  always: Ends[];
  /** Ends that match only after an attempt, and only without one. */
  tried: Ends[];
  untried: Ends[];
}

export function endsOfOutcome(outcome: CallerOutcome): OutcomeEnds {
  const without = ENDS.filter((ends) => callerOutcome(ends, 0) === outcome);
  const after = ENDS.filter((ends) => callerOutcome(ends, 1) === outcome);
  return {
    always: without.filter((ends) => after.includes(ends)),
    tried: after.filter((ends) => !without.includes(ends)),
    untried: without.filter((ends) => !after.includes(ends)),
  };
}
