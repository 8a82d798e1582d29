/**
 * Lists as CSV (RFC 4180, UTF-8), for whoever asks with `Accept: text/csv` and for `--csv`.
 *
 * A spreadsheet runs a cell that begins with = + - @ as a formula, and callers choose what stands in
 * some of them: such a cell gets an apostrophe. A telephone number or an amount does not: a sign and
 * digits alone are no formula, and a program that reads the file must find them as they are.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Of a list's schema. */
export const JSON_OR_CSV = ['application/json', 'text/csv'];

export type Cell = string | number | boolean | null;

export interface Column<Row> {
  name: string;
  value: (row: Row) => Cell;
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
  const text = typeof cell === 'string' && isFormula(cell) ? `'${cell}` : String(cell);
  return /[",\r\n\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function isFormula(text: string): boolean {
  return (
    /^[\s\p{Cc}]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text)
  );
}

/** Asked for by name, and not less than JSON. */
export function wantsCsv({ headers }: FastifyRequest): boolean {
  const asked = (headers.accept ?? '').split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((text) => text.startsWith('q='))?.slice(2);
    return { type, weight: weight === undefined ? 1 : Number(weight) || 0 };
  });
  const weightOf = (type: string) => asked.find((each) => each.type === type)?.weight ?? 0;
  const csv = weightOf('text/csv');
  return csv > 0 && csv >= weightOf('application/json');
}

/** `next`: where the list goes on, as a `Link` header says it (RFC 8288). */
export function sendCsv(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
  next: string | null = null,
): FastifyReply {
  if (next !== null) {
    const url = new URL(request.url, 'http://here');
    url.searchParams.set('cursor', next);
    reply.header('link', `<${url.pathname}${url.search}>; rel="next"`);
  }
  return reply
    .header('content-type', 'text/csv; charset=utf-8; header=present')
    .header('vary', 'Accept')
    .serializer((payload: string) => payload)
    .send(text);
}
