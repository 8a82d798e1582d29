/** Whether two decisions would do the same, regardless of the name of the rule that made them. */
import type { Decision } from '../machine/plan.ts';

type Doing = Pick<Decision, 'plan' | 'lastResort' | 'policy' | 'lookup'>;

export function doSame(one: Doing, other: Doing): boolean {
  return (
    isSame(one.plan, other.plan) &&
    isSame(one.lastResort, other.lastResort) &&
    isSame(one.policy, other.policy) &&
    one.lookup?.name === other.lookup?.name
  );
}

/** For values that come from JSON; a field that is undefined counts as absent. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  if (one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  if (Array.isArray(one) && Array.isArray(other) && one.length !== other.length) return false;
  const left = one as Record<string, unknown>;
  const right = other as Record<string, unknown>;
  for (const key in left) if (!isSame(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
