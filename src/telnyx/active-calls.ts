/**
 * `GET /connections/{id}/active_calls`: the live legs of a connection. Telnyx documents two kinds
 * of paging, by cursor and by number; both are supported.
 */
import { asInteger, asObject, filled } from './fields.ts';
import { nextPage } from './pages.ts';

interface ActiveCall {
  callControlId: string;
  sessionId: string | null;
  clientState: string | null;
  durationSecs: number | null;
}

interface ActiveCallsPage {
  calls: ActiveCall[];
  /** The query string of the next page; null on the last page. */
  next: string | null;
}

/** Null if this is not a page of active calls. */
export function readActiveCalls(body: unknown): ActiveCallsPage | null {
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
  return {
    calls,
    next: calls.length === 0 ? null : queryOf(nextPage(asObject(page.meta) ?? {})),
  };
}

function queryOf(page: Record<string, string> | null): string | null {
  if (page === null) return null;
  const parts = Object.entries(page).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `?${parts.join('&')}`;
}
