/** One page of a list, in either of the two kinds of paging that Telnyx documents. */

interface PageRequest {
  form: 'number' | 'cursor';
  path: string;
  query: URLSearchParams;
}

/** The documented default and maximum of `page[size]`. */
const SIZE = 20;
const SIZE_MAX = 250;

export function pageOf(list: readonly unknown[], request: PageRequest): string {
  const { form, query } = request;
  const size = Math.min(
    SIZE_MAX,
    wholeFrom(query, 'page[size]') ?? wholeFrom(query, 'page[limit]') ?? SIZE,
  );
  return JSON.stringify(
    form === 'number' ? byNumber(list, query, size) : byCursor(list, request, size),
  );
}

function byNumber(list: readonly unknown[], query: URLSearchParams, size: number) {
  const number = wholeFrom(query, 'page[number]') ?? 1;
  return {
    data: list.slice((number - 1) * size, number * size),
    meta: {
      page_number: number,
      page_size: size,
      total_pages: Math.ceil(list.length / size),
      total_results: list.length,
    },
  };
}

function byCursor(list: readonly unknown[], { path, query }: PageRequest, size: number) {
  const start = Number(query.get('page[after]') ?? 0) || 0;
  const end = start + size;
  const after = end < list.length ? String(end) : null;
  const before = start === 0 ? null : String(start);
  return {
    data: list.slice(start, end),
    meta: {
      cursors: { after, before },
      next: after === null ? null : `${path}?${nextQuery(query, after)}`,
      previous: null,
      total_items: list.length,
    },
  };
}

function nextQuery(query: URLSearchParams, after: string): string {
  const next = new URLSearchParams(query);
  next.set('page[after]', after);
  // The documentation's example shows the brackets unescaped.
  return next.toString().replaceAll('%5B', '[').replaceAll('%5D', ']');
}

function wholeFrom(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  return text !== null && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : null;
}
