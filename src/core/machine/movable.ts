/**
 * Whether a manual refer is allowed now. The endpoint checks it first, and the state machine again
 * at the commit.
 */
import { type Call, MOVING_PHASES } from './call.ts';

export function whyNotMovable(call: Call): 'ended' | 'being_moved' | null {
  if (call.phase === 'ended' || call.phase === 'releasing') return 'ended';
  const moving = MOVING_PHASES.has(call.phase) || call.phase === 'referred';
  // After a REFER without a verdict the far end may still answer, and a REFER cannot be cancelled.
  return moving || call.suspended !== null || call.movingUnsafe ? 'being_moved' : null;
}
