/**
 * Counts what can no longer be corrected in the metrics: ends, verdicts and costs; see
 * `receiving/tally.ts`.
 */
import type { Attempt, Call, Verdict } from '../../core/machine/call.ts';
import { outcomeOfCall } from '../../core/machine/caller-outcome.ts';
import { attemptEndedAt } from '../../core/machine/heard-late.ts';
import type { Metrics } from '../../metrics.ts';
import { arrival, type Final } from '../receiving/tally.ts';

type Counters = Pick<
  Metrics,
  'callEnded' | 'callerOutcome' | 'arrival' | 'verdict' | 'commandToVerdict' | 'cost'
>;

export function countFinal(metrics: Counters, final: Final): void {
  switch (final.type) {
    case 'end':
      countEnd(metrics, final.call);
      return;
    case 'verdict': {
      const { call, attempt } = final;
      if (attempt.verdict !== null) countVerdict(metrics, call, attempt, attempt.verdict);
      return;
    }
    case 'cost':
      for (const { currency, part, amount } of final.costs) metrics.cost(currency, part, amount);
      return;
    default:
      final satisfies never;
  }
}

function countEnd(metrics: Counters, call: Call): void {
  const { ends, rule, attempts } = call;
  if (ends === null) return;
  metrics.callEnded(ends);
  const outcome = outcomeOfCall(call);
  if (outcome !== null) metrics.callerOutcome(rule, outcome);
  const arrived = arrival(ends, attempts.length);
  if (arrived !== null) metrics.arrival(rule, arrived);
}

function countVerdict(metrics: Counters, call: Call, attempt: Attempt, verdict: Verdict): void {
  metrics.verdict(call.rule, attempt.target, verdict);
  const endedAt = attemptEndedAt(attempt);
  if (attempt.acceptedAt !== null && endedAt !== null) {
    metrics.commandToVerdict(verdict, endedAt - attempt.acceptedAt);
  }
}
