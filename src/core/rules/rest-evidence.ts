/** What an attempt says about its target: whether anybody is there. */
import type { Attempt, Call } from '../machine/call.ts';

/**
 * `answered`: somebody is there. `quiet`: it is unknown whether somebody is there, but that
 * concerns the callee.
 */
export type Evidence = 'failed' | 'answered' | 'quiet';

/**
 * What an attempt says about its target; null: nothing. A refusal by Telnyx, an end by the caller,
 * and ringing until the time is over say nothing against the target.
 */
export function evidenceOf(call: Call, attempt: Attempt): Evidence | null {
  const { kind, verdict, unsent, progress, acceptedAt } = attempt;
  if (unsent) return null;
  switch (verdict) {
    case 'server_error':
      return 'failed';
    case 'no_verdict':
      // It rang, or was ended by a hangup or by patience: that is no silence of the target.
      if (progress) return 'answered';
      return acceptedAt !== null && call.phase !== 'ended' && !call.patienceOver ? 'failed' : null;
    case 'other':
      return isRefusedConnection(attempt) ? 'failed' : 'answered';
    case 'completed':
    case 'busy':
    case 'declined':
    case 'not_found':
      return 'answered';
    case 'no_answer':
      return progress ? 'answered' : 'quiet';
    case 'not_allowed':
      // A REFER may have been refused on the caller's side.
      return kind === 'transfer' ? 'answered' : null;
    case 'abandoned':
      return progress ? 'answered' : null;
    case 'rejected':
    case 'skipped':
    case null:
      return null;
    default:
      return verdict satisfies never;
  }
}

/** It failed before it rang, and without any SIP response that would give a reason. */
function isRefusedConnection({ progress, bLegAnswered, sipNotifyResponse, reason }: Attempt) {
  if (progress || bLegAnswered || sipNotifyResponse !== null) return false;
  return reason !== null && !/\d{3}/.test(reason);
}
