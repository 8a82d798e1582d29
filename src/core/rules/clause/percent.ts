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
      `percent: this caller is at ${place(subject).toFixed(1)}, not below ${share}`,
    held: (subject) => `percent: this caller is at ${place(subject).toFixed(1)}, below ${share}`,
  });
}
