/**
 * `GET /connections/{id}/active_calls`: the legs of a connection that live now. Telnyx documents two forms
 * of pages, by cursor and by number; both are followed.
 */

export interface ActiveCall {
  callControlId: string;
  sessionId: string | null;
  clientState: string | null;
}

export interface ActiveCallsPage {
  calls: ActiveCall[];
  /** The query string of the next page; null on the last one. */
  next: string | null;
}

/** Null where this is not a page of active calls. */
export function readActiveCalls(body: unknown): ActiveCallsPage | null {
  if (!isRecord(body) || !Array.isArray(body.data)) return null;
  const calls: ActiveCall[] = [];
  for (const entry of body.data) {
    if (!isRecord(entry) || typeof entry.call_control_id !== 'string') return null;
    calls.push({
      callControlId: entry.call_control_id,
      sessionId: textOrNull(entry.call_session_id),
      clientState: textOrNull(entry.client_state),
    });
  }
  return {
    calls,
    next: calls.length === 0 ? null : nextPage(isRecord(body.meta) ? body.meta : {}),
  };
}

function nextPage(meta: Record<string, unknown>): string | null {
  const { next, cursors, page_number: page, total_pages: pages } = meta;
  if (typeof next === 'string' && next.includes('?')) return next.slice(next.indexOf('?'));
  const after = isRecord(cursors) ? textOrNull(cursors.after) : null;
  if (after !== null) return `?page[after]=${encodeURIComponent(after)}`;
  const more = typeof page === 'number' && typeof pages === 'number' && page < pages;
  return more ? `?page[number]=${page + 1}` : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
