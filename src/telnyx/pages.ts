/**
 * Which page comes after this one. In different places Telnyx documents two kinds of paging for the
 * same list, by number and by cursor; both are supported.
 */
import { asObject, type Fields, field, filled } from './fields.ts';

/** What to set in the query of the page after this one; null on the last, as an empty one is. */
export function nextPage(page: Fields): Record<string, string> | null {
  if (Array.isArray(page.data) && page.data.length === 0) return null;
  const meta = asObject(page.meta) ?? {};
  const next = filled(field(meta, 'next'));
  if (next?.includes('?')) {
    return Object.fromEntries(new URLSearchParams(next.slice(next.indexOf('?'))));
  }
  const after = filled(asObject(field(meta, 'cursors'))?.after);
  if (after !== null) return { 'page[after]': after };
  const number = whole(meta.page_number);
  const pages = whole(meta.total_pages) ?? pagesOf(meta);
  return number !== null && pages !== null && number < pages
    ? { 'page[number]': String(number + 1) }
    : null;
}

function pagesOf(meta: Fields): number | null {
  const results = whole(meta.total_results);
  const size = whole(meta.page_size);
  return results === null || size === null || size === 0 ? null : Math.ceil(results / size);
}

function whole(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) ? value : null;
}
