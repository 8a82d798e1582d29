/** `GET /connections/{id}/active_calls`: the live legs of a connection. */
import { asInteger, asObject, filled } from './fields.ts';

interface ActiveCall {
  callControlId: string;
  sessionId: string | null;
  clientState: string | null;
  durationSecs: number | null;
}

/** Null if this is not a page of active calls. */
export function readActiveCalls(body: unknown): ActiveCall[] | null {
  const page = asObject(body);
  if (page === null || !Array.isArray(page.data)) return null;
  const calls: ActiveCall[] = [];
  for (const entry of page.data) {
    const leg = asObject(entry);
    if (typeof leg?.call_control_id !== 'string') return null;
    calls.push({
      callControlId: leg.call_control_id,
      sessionId: filled(leg.call_session_id),
      clientState: filled(leg.client_state),
      durationSecs: asInteger(leg.call_duration, 0, 1_000_000),
    });
  }
  return calls;
}
