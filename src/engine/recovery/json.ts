/** A recovery in the form that the command line and the API show. */
import { iso } from '../../core/iso-time.ts';
import type { LiveLeg, LostCaller } from '../../core/recovery.ts';
import type { Recovery } from './recover.ts';

/** The format of `referee recover --json`. */
export function recoveryJson(recovery: Recovery) {
  return {
    since: iso(recovery.since),
    live: recovery.live,
    recovered: recovery.recovered,
    by_type: Object.fromEntries(recovery.byType),
    lost_callers: recovery.lost.map(lostCallerJson),
    unknown_live: recovery.unknownLive.map(liveLegJson),
    failed: recovery.failed,
  };
}

export function lostCallerJson({ callId, from, to, at }: LostCaller) {
  return { from, to, at: iso(at), call_control_id: callId };
}

export function liveLegJson(leg: LiveLeg) {
  return {
    call_control_id: leg.callId,
    call_session_id: leg.sessionId,
    connection_id: leg.connectionId,
    secs: leg.durationSecs,
  };
}
