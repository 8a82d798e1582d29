/**
 * `GET /connections/{id}/active_calls`: the legs of a connection that live now. Telnyx documents two forms
 * of pages, by cursor and by number; both are followed.
 */
import { asObject, type Fields } from './fields.ts';

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
    });
  }
  return {
    calls,
    next: calls.length === 0 ? null : nextPage(asObject(page.meta) ?? {}),
  };
}

function nextPage(meta: Fields): string | null {
  const { next, cursors, page_number: page, total_pages: pages } = meta;
  if (typeof next === 'string' && next.includes('?')) return next.slice(next.indexOf('?'));
  const after = filled(asObject(cursors)?.after);
  if (after !== null) return `?page[after]=${encodeURIComponent(after)}`;
  const more = typeof page === 'number' && typeof pages === 'number' && page < pages;
  return more ? `?page[number]=${page + 1}` : null;
}

function filled(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
