/** Recorded calls that cannot be compared under other routes. */
import type { RecordedCall } from '../recording/recorded-call.ts';
import { decisionOf } from '../recording/recorded-call.ts';

/**
 * `unmanaged`: left to another application. `undecided`: no rule was ever asked, or the caller had
 * hung up. `unrecorded`: its events were not kept, are incomplete, or were recorded by another
 * release.
 */
export const APART = ['unmanaged', 'undecided', 'unrecorded'] as const;
export type Apart = (typeof APART)[number];

/** Why a call is counted separately; null if it can be replayed. */
export function whyApart(recorded: RecordedCall): Apart | null {
  const { stored, recording } = recorded;
  if (stored.ends === 'ignored' || stored.phase === 'unmanaged') return 'unmanaged';
  if (!stored.decided) return 'undecided';
  if (recording !== 'complete') return 'unrecorded';
  const decision = decisionOf(recorded);
  if (decision === null) return 'undecided';
  return decision.decision.plan === null ? 'unmanaged' : null;
}

/** The B-leg of one of our transfers: it has no caller, and nothing is decided about it. */
export function isBLeg({ stored }: Pick<RecordedCall, 'stored'>): boolean {
  return stored.parentId !== null;
}
