/** Whether the caller may be moved. */
import { awaitingFinal } from './attribution.ts';
import { type Call, MOVING_PHASES } from './call.ts';
import { isContradictory } from './verdict.ts';

/**
 * Why a manual refer is not allowed now; null: it is. The endpoint asks this first, and the state
 * machine again at the commit.
 */
export function whyNotMovable(call: Call): 'ended' | 'being_moved' | null {
  if (call.phase === 'ended' || call.phase === 'releasing') return 'ended';
  const moving = MOVING_PHASES.has(call.phase) || call.phase === 'referred';
  // After a REFER without a verdict the far end may still answer, and a REFER cannot be cancelled.
  return moving || call.suspended !== null || call.movingUnsafe ? 'being_moved' : null;
}

/**
 * Whether moving is safe again: every attempt that rang has ended, but for those over which the
 * route moves on anyway.
 */
export function reviewSafety(call: Call): void {
  if (!call.movingUnsafe) return;
  call.movingUnsafe =
    awaitingFinal(call).some(({ progress, movesOnAnyway }) => progress && !movesOnAnyway) ||
    call.attempts.some(
      (attempt) =>
        attempt.final &&
        isContradictory(attempt.sipNotifyResponse) &&
        attempt.verdict !== 'completed',
    );
}
