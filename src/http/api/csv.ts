/**
 * Lists as CSV (RFC 4180, UTF-8), for whoever asks with `Accept: text/csv` and for `--csv`. Each
 * list has one function that makes its CSV of the document that the API answers, so both are the
 * same; `jsonOrCsv` answers with it.
 *
 * A spreadsheet runs a cell that begins with = + - @ as a formula, and callers choose what stands in
 * some of them: such a cell gets an apostrophe. So does a formula after a separator of other
 * spreadsheets (many countries' Excel splits at ; and knows no quotes in the middle of a cell). A
 * telephone number or an amount does not: a sign and digits alone are no formula, and a program that
 * reads the file must find them as they are.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Of a list's schema. */
export const JSON_OR_CSV = ['application/json', 'text/csv'];

export type Cell = string | number | boolean | null;

export interface Column<Row> {
  name: string;
  value: (row: Row) => Cell;
}

/** Names of members that are a cell as they are. */
type CellsOf<Row> = {
  [Name in keyof Row]: Row[Name] extends Cell ? Name : never;
}[keyof Row] &
  string;

/** Columns that are members of the row, by the same names. */
export function members<Row>(...names: CellsOf<Row>[]): Column<Row>[] {
  return names.map((name) => ({ name, value: (row) => row[name] as Cell }));
}

export function csvText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ name }) => name),
    ...rows.map((row) => columns.map(({ value }) => value(row))),
  ];
  return lines.map((cells) => `${cells.map(cellText).join(',')}\r\n`).join('');
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  const text = typeof cell === 'string' ? withoutFormulas(cell) : String(cell);
  return /[",;\r\n\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function withoutFormulas(text: string): string {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return text;
  const [first = ''] = /^[\s\p{Cc}]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u.exec(text) ?? [];
  const rest = text.slice(first.length);
  const later = /([;\t\r\n]["\s\p{Cc}]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/gu;
  return (first === '' ? '' : `'${first}`) + rest.replace(later, "$1'");
}

/** Asked for by name, and not less than JSON. */
function wantsCsv({ headers }: FastifyRequest): boolean {
  const asked = (headers.accept ?? '').split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((text) => text.startsWith('q='))?.slice(2);
    return { type, weight: weight === undefined ? 1 : Number(weight) || 0 };
  });
  const weightOf = (type: string) => asked.find((each) => each.type === type)?.weight ?? 0;
  const csv = weightOf('text/csv');
  return csv > 0 && csv >= weightOf('application/json');
}

/** Where the list goes on, its `next`, CSV says as a `Link` header (RFC 8288). */
export function jsonOrCsv<Document extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  document: Document,
  csv: (document: Document) => string,
): Document | FastifyReply {
  reply.header('vary', 'Accept');
  if (!wantsCsv(request)) return document;
  const next = 'next' in document ? document.next : null;
  if (next !== null) {
    const url = new URL(request.url, 'http://here');
    url.searchParams.set('cursor', String(next));
    reply.header('link', `<${url.pathname}${url.search}>; rel="next"`);
  }
  return reply
    .header('content-type', 'text/csv; charset=utf-8; header=present')
    .serializer((payload: string) => payload)
    .send(csv(document));
}
