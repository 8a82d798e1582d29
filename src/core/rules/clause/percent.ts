/** `percent`: a share of the callers, always the same ones. */
import { hashUnit } from '../hash.ts';
import type { Check } from '../match.ts';
import type { Subject } from '../subject.ts';
import { lasting } from './lasting.ts';

/**
 * Sticky: a caller within 10 percent is also within 20, so raising the share never moves a caller
 * back.
 */
export function percentClause(share: number, rule: string): Check {
  const place = (subject: Subject) => hashUnit('percent', rule, subject.caller()) * 100;
  return lasting({
    holds: (subject) => place(subject) < share,
    failed: (subject) =>
      `percent: this caller is at ${placeText(place(subject), share)}, not below ${share}`,
    held: (subject) =>
      `percent: this caller is at ${placeText(place(subject), share)}, below ${share}`,
  });
}

/** With as many digits as it takes to be on the right side of the share. */
export function placeText(place: number, share: number): string {
  for (let digits = 1; digits < DIGITS_MAX; digits += 1) {
    const text = (Math.floor(place * 10 ** digits) / 10 ** digits).toFixed(digits);
    if (Number(text) < share === place < share) return text;
  }
  return String(place);
}

/** A share may have nine; a place has fewer than these. */
const DIGITS_MAX = 12;
