/** What can be said about a condition before there is a call. */
import type { Clause, Condition } from './rule.ts';

/** Whether a condition can match, from what is known of its clauses; null if it depends. */
export function mayHold(
  condition: Condition,
  clause: (clause: Clause) => boolean | null,
): boolean | null {
  if ('clause' in condition) return clause(condition.clause);
  if ('not' in condition) {
    const inner = mayHold(condition.not, clause);
    return inner === null ? null : !inner;
  }
  const parts = 'all' in condition ? condition.all : condition.any;
  const found = parts.map((part) => mayHold(part, clause));
  const decisive = 'any' in condition;
  if (found.includes(decisive)) return decisive;
  return found.includes(null) ? null : !decisive;
}
