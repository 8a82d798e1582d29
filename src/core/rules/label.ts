/** The operator's label of a number, from `numbers` in the routes. */
import { readAddress } from './addresses/address.ts';
import type { RouteSet } from './rule.ts';

export function labelOf(
  { numbers }: Pick<RouteSet, 'numbers'>,
  called: string | null,
): string | null {
  if (numbers === undefined || numbers.size === 0) return null;
  const { number } = readAddress(called);
  return number === null ? null : (numbers.get(number) ?? null);
}

/** At most this many numbers whose label contains the text of a search. */
const LABELLED_MAX = 100;

/** Numbers whose label contains the text, for a search. */
export function labelledWith({ numbers }: Pick<RouteSet, 'numbers'>, text: string): string[] {
  const part = text.trim().toLowerCase();
  return [...(numbers ?? [])]
    .filter(([, label]) => label.toLowerCase().includes(part))
    .map(([number]) => number)
    .slice(0, LABELLED_MAX);
}
