/**
 * The guard of a rule: `from` or `to` values of which one must match for the rule to match. The
 * index enters the rule under them, so that the rule is only tried for the calls they match.
 */
import { isGlob } from './addresses/glob.ts';
import type { Condition, Rule } from './rule.ts';

interface Guard {
  values: { field: 'from' | 'to'; value: string }[];
  /** How many rules its values select in the worst case: the smaller, the better. */
  cost: number;
}

/**
 * `from` and `to` values of which one must match for the condition to match; null if there are
 * none.
 */
export function guardOf(condition: Condition, uses: Uses): Guard | null {
  if ('clause' in condition) {
    const { clause } = condition;
    if (clause.key !== 'from' && clause.key !== 'to') return null;
    const field = clause.key;
    const values = clause.values.map((value) => ({ field, value }));
    // Not Math.max(...values): a clause may have more values than a function may have arguments.
    const cost = clause.values.reduce(
      (most, value) => Math.max(most, costOf(field, value, uses)),
      0,
    );
    return { values, cost };
  }
  if ('not' in condition) return null;
  if ('all' in condition) {
    const guards = condition.all
      .map((part) => guardOf(part, uses))
      .filter((guard) => guard !== null);
    guards.sort((a, b) => a.cost - b.cost);
    return guards[0] ?? null;
  }
  const guards = condition.any.map((part) => guardOf(part, uses));
  if (guards.some((guard) => guard === null)) return null;
  const known = guards.filter((guard) => guard !== null);
  return {
    values: known.flatMap((guard) => guard.values),
    cost: Math.max(0, ...known.map((guard) => guard.cost)),
  };
}

/** How many clauses use a value, by `field value`. */
type Uses = Map<string, number>;

export function* countUses(rules: readonly Rule[]): Generator<void, Uses> {
  const uses: Uses = new Map();
  const count = (condition: Condition): void => {
    if ('not' in condition) count(condition.not);
    else if ('all' in condition) condition.all.forEach(count);
    else if ('any' in condition) condition.any.forEach(count);
    else {
      const { clause } = condition;
      if (clause.key !== 'from' && clause.key !== 'to') return;
      for (const value of clause.values) {
        const key = `${clause.key} ${value}`;
        uses.set(key, (uses.get(key) ?? 0) + 1);
      }
    }
  };
  for (const rule of rules) {
    yield;
    count(rule.when);
  }
  return uses;
}

/** A short prefix matches more calls than a long one or a number. */
function costOf(field: 'from' | 'to', value: string, uses: Uses): number {
  const used = uses.get(`${field} ${value}`) ?? 1;
  const wildcard = /^(?:list|table):/.test(value) || !isGlob(value) ? 0 : value.search(/[*?]/);
  return used + (isGlob(value) ? 1000 / (1 + wildcard) : 0);
}
