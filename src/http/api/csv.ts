/**
 * Lists as CSV (RFC 4180, UTF-8), for clients that send `Accept: text/csv` and for `--csv`. Each
 * list has one function that makes the CSV from the API's JSON document, so both have the same
 * content. `jsonOrCsv` sends one or the other.
 *
 * A spreadsheet runs a cell that begins with = + - @ as a formula, and callers control the content
 * of some cells. So such a cell gets an apostrophe in front, and so does a formula after a
 * separator of other spreadsheets: in many countries Excel splits at ; and ignores quotes in the
 * middle of a cell. A phone number or an amount gets none: a sign and digits alone are not a
 * formula, and programs that read the file need them unchanged.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** For `produces` in the schema of a list. */
export const JSON_OR_CSV = ['application/json', 'text/csv'];

export type Cell = string | number | boolean | null;

export interface Column<Row> {
  name: string;
  value: (row: Row) => Cell;
}

/** Names of members whose value can be a cell as it is. */
type CellsOf<Row> = {
  [Name in keyof Row]: Row[Name] extends Cell ? Name : never;
}[keyof Row] &
  string;

/** Columns with the names and values of members of the row. */
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

/** True if `Accept` names text/csv with at least the weight of JSON. */
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

/** Sends the document as JSON or CSV. CSV has `next` in a `Link` header (RFC 8288). */
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
