/** What an attempt says about its target: whether anybody is there. */
import type { Attempt, Call } from '../../machine/call.ts';
import { TRYING } from '../../machine/verdict.ts';

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
  const { kind, verdict, unsent, acceptedAt } = attempt;
  if (unsent) return null;
  const rang = hasRung(attempt);
  switch (verdict) {
    case 'server_error':
      return 'failed';
    case 'no_verdict':
      // It rang, or was ended by a hangup or by patience: that is no silence of the target.
      if (rang) return 'answered';
      return acceptedAt !== null && call.phase !== 'ended' && !call.patienceOver ? 'failed' : null;
    case 'other':
      return isRefusedConnection(attempt) ? 'failed' : 'answered';
    case 'completed':
    case 'busy':
    case 'declined':
    case 'not_found':
      return 'answered';
    case 'no_answer':
      return rang ? 'answered' : 'quiet';
    case 'not_allowed':
      // A REFER may have been refused on the caller's side.
      return kind === 'transfer' ? 'answered' : null;
    case 'abandoned':
      return rang ? 'answered' : null;
    case 'rejected':
    case 'skipped':
    case null:
      return null;
    default:
      return verdict satisfies never;
  }
}

/**
 * Every REFER that is accepted is followed at once by a NOTIFY with 100, which comes from the
 * caller's side (RFC 3515, 2.4.4), so a 100 with nothing after it shows nobody at the target.
 */
function hasRung({ kind, progress, sipNotifyResponse }: Attempt): boolean {
  return progress && (kind === 'transfer' || sipNotifyResponse !== TRYING);
}

/** It failed before it rang, and without any SIP response that would give a reason. */
function isRefusedConnection({ progress, bLegAnswered, sipNotifyResponse, reason }: Attempt) {
  if (progress || bLegAnswered || sipNotifyResponse !== null) return false;
  return reason !== null && !/\d{3}/.test(reason);
}
