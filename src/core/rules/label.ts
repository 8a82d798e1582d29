/** The operator's label of a number, from `numbers` in the routes. */
import { readAddress } from './address.ts';
import type { RouteSet } from './rule.ts';

export function labelOf(
  { numbers }: Pick<RouteSet, 'numbers'>,
  called: string | null,
): string | null {
  if (numbers === undefined || numbers.size === 0) return null;
  const { number } = readAddress(called);
  return number === null ? null : (numbers.get(number) ?? null);
}
