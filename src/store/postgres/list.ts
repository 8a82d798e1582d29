/**
 * Calls by filter, newest first, and their timelines; the SQL of the filters is in list-query.ts.
 */
import type { Call } from '../../core/machine/call.ts';
import type { CallFilter } from '../contract/list.ts';
import type { TimelineEntry } from '../contract/timeline.ts';
import { unpackCall } from '../rows/call-document.ts';
import { type Position, readCursor, writeCursor } from '../rows/cursor.ts';
import { type Found, find } from '../rows/find.ts';
import { keyText } from '../rows/key.ts';
import { storedForm } from '../rows/list-filter.ts';
import { TIMELINE_ENTRIES_MAX, unpackEntry } from '../rows/timeline-entry.ts';
import { finderOf } from './find.ts';
import { partsOf } from './list-query.ts';
import type { Query } from './pool.ts';

export async function callTimeline(query: Query, callId: string): Promise<TimelineEntry[]> {
  const rows = await query(
    `select e.document from calls c join events e using (call)
     where c.key = $1 and e.document is not null order by e.entry limit ${TIMELINE_ENTRIES_MAX}`,
    [keyText(callId)],
  );
  return rows.map((row) => unpackEntry(String(row.document)));
}

type Page = { calls: Call[]; next: string | null };

export async function listCalls(query: Query, asked: CallFilter): Promise<Page> {
  const filter = storedForm(asked);
  const after = readCursor(filter.cursor);
  if (filter.q === undefined) return pageOf(query, filter, after, null);
  const found = await find(filter.q, filter, after, finderOf(query));
  return found.kind === 'few'
    ? pageAmong(query, filter, after, found.rows)
    : lookThrough(query, filter, after, found);
}

/** Rows checked in one round trip: few enough to be read by their row numbers. */
const AMONG_ROWS = 1_000;

/** The newest of the calls that a search has found. */
async function pageAmong(
  query: Query,
  filter: CallFilter,
  after: Position,
  rows: Position[],
): Promise<Page> {
  const calls: Call[] = [];
  for (let from = 0; from < rows.length; from += AMONG_ROWS) {
    const among = rows.slice(from, from + AMONG_ROWS);
    const left = { ...filter, limit: filter.limit - calls.length };
    const page = await pageOf(query, left, after, among);
    calls.push(...page.calls);
    if (page.next !== null) return { calls, next: page.next };
    const last = among.at(-1);
    const isLast = from + AMONG_ROWS >= rows.length;
    if (calls.length === filter.limit && last !== undefined && !isLast) {
      return { calls, next: writeCursor(last) };
    }
  }
  return { calls, next: null };
}

/** `among`: only these rows, which a search has found. */
async function pageOf(
  query: Query,
  filter: CallFilter,
  after: Position,
  among: Position[] | null,
): Promise<Page> {
  const { parts, values, bind } = partsOf(filter, after);
  const limit = bind(filter.limit + 1);
  const only = among === null ? '' : `and f.call = any (${bind(among.map(({ row }) => row))})`;
  const rows = await query(
    `select * from (${parts
      .map(
        (where) => `(select f.created_at, f.call, c.document
           from call_filters f join calls c on c.key = f.key where ${where} ${only}
           order by f.created_at desc, f.call desc limit ${limit})`,
      )
      .join(' union all ')}) found order by created_at desc, call desc limit ${limit}`,
    values,
  );
  const page = rows.slice(0, filter.limit);
  const last = page.at(-1);
  const position: Position | null =
    last && rows.length > filter.limit
      ? { createdAt: Number(last.created_at), row: Number(last.call) }
      : null;
  return {
    calls: page.map((row) => unpackCall(String(row.document))),
    next: position === null ? null : writeCursor(position),
  };
}

/** Rows read in one round trip, and for one page in all. */
const SEEN_ROWS = 2_000;
const SEEN_ROWS_MAX = 20_000;

async function lookThrough(
  query: Query,
  filter: CallFilter,
  start: Position,
  found: Extract<Found, { kind: 'many' }>,
): Promise<Page> {
  let after = start;
  const hits: Position[] = [];
  let isOver = false;
  for (let seen = 0; seen < SEEN_ROWS_MAX && hits.length <= filter.limit; seen += SEEN_ROWS) {
    const rows = await seenRows(query, filter, after, found);
    for (const { position, ...row } of rows) {
      after = position;
      if (found.matches(row)) hits.push(position);
    }
    isOver = rows.length < SEEN_ROWS;
    if (isOver) break;
  }
  const page = hits.slice(0, filter.limit);
  const isFull = hits.length > filter.limit;
  const { calls } = await pageOf(query, { limit: filter.limit, legs: 'all' }, start, page);
  const last = isFull ? page.at(-1) : after;
  return { calls, next: (isOver && !isFull) || last === undefined ? null : writeCursor(last) };
}

async function seenRows(
  query: Query,
  filter: CallFilter,
  after: Position,
  { rules, targets }: Extract<Found, { kind: 'many' }>,
) {
  const { parts, values, bind } = partsOf(filter, after);
  const named = `(f.rule = any (${bind(rules)}) or exists (select from attempts a
    where a.call = f.call and a.target = any (${bind(targets)})))`;
  const rows = await query(
    `select * from (${parts
      .map(
        (where) => `(select f.created_at, f.call, f.caller, f.callee,
             coalesce(${named}, false) as named
           from call_filters f join calls c on c.key = f.key where ${where}
           order by f.created_at desc, f.call desc limit ${SEEN_ROWS})`,
      )
      .join(' union all ')}) found order by created_at desc, call desc limit ${SEEN_ROWS}`,
    values,
  );
  return rows.map((row) => ({
    position: { createdAt: Number(row.created_at), row: Number(row.call) },
    caller: row.caller === null ? null : String(row.caller),
    callee: row.callee === null ? null : String(row.callee),
    named: row.named === true,
  }));
}
