/** The filter by outcome in terms of columns: how a call ended, and whether it had an attempt. */
import { ENDS, type Ends } from '../../core/machine/call.ts';
import { type CallerOutcome, callerOutcome } from '../../core/machine/caller-outcome.ts';

export interface OutcomeEnds {
  /** Whatever was tried. */
  always: Ends[];
  /** After an attempt only, and without one only. */
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
