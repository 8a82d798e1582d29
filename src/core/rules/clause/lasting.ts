/** What every clause is built with: its check, and the words that list its values. */
import type { Check } from '../match.ts';
import type { Subject } from '../subject.ts';

/** How many values are listed before "and 97 more". */
const VALUES_NAMED_MAX = 4;

/** A single clause. `failed` gives the reason; only call it if the clause does not match. */
interface Plain {
  holds(subject: Subject): boolean;
  failed(subject: Subject): string;
  held(subject: Subject): string;
}

/** Facts of a call do not change, so a clause that does not match now never will. */
export function lasting({ holds, failed, held }: Plain): Check {
  return {
    holds,
    later: (subject) => (holds(subject) ? 1 : -1),
    someCall: () => 0,
    missing: () => null,
    failed: (subject) => (holds(subject) ? null : failed(subject)),
    held,
    first: null,
  };
}

/** What the clause asks about may change while the call lasts: a time, a switch, a pressed key. */
export function perhapsLater(check: Check): Check {
  return { ...check, later: () => 0 };
}

export function someOf(values: readonly string[]): string {
  const named = values.slice(0, VALUES_NAMED_MAX).join(', ');
  const more = values.length - VALUES_NAMED_MAX;
  return more > 0 ? `${named} and ${more} more` : named;
}
