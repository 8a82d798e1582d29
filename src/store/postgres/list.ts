/** Calls by filter, newest first; timelines; what changed. */
import type { Call, Direction, Ends } from '../../core/machine/call.ts';
import type { StoredCall } from '../contract/calls.ts';
import type { Changes } from '../contract/changes.ts';
import type { CallFilter } from '../contract/list.ts';
import type { TimelineEntry } from '../contract/timeline.ts';
import { unpackCall } from '../rows/call-document.ts';
import { type Position, readCursor, writeCursor } from '../rows/cursor.ts';
import { type Found, find } from '../rows/find.ts';
import { endsOfOutcome } from '../rows/outcome-ends.ts';
import {
  ACKNOWLEDGED_MARK,
  CHANGES_KEPT_MS,
  directionMark,
  TIMELINE_ENTRIES_MAX,
  unpackEntry,
} from '../rows/rows.ts';
import { finderOf } from './find.ts';
import { NOW_MS } from './load.ts';
import type { Query } from './pool.ts';
import { clean, keyText } from './values.ts';

export async function findCall(query: Query, callId: string): Promise<StoredCall | null> {
  const [row] = await query('select version, document from calls where key = $1', [
    keyText(callId),
  ]);
  if (!row) return null;
  return { call: unpackCall(String(row.document)), version: Number(row.version) };
}

export async function callTimeline(query: Query, callId: string): Promise<TimelineEntry[]> {
  const rows = await query(
    `select e.document from calls c join events e using (call)
     where c.key = $1 and e.document is not null order by e.entry limit ${TIMELINE_ENTRIES_MAX}`,
    [keyText(callId)],
  );
  return rows.map((row) => unpackEntry(String(row.document)));
}

const COLUMNS = {
  rule: 'f.rule',
  ends: 'f.ends',
  from: 'f.caller',
  to: 'f.callee',
  sessionId: 'f.session',
  parentId: 'f.parent',
  phase: 'c.phase',
} as const;

type Page = { calls: Call[]; next: string | null };

export async function listCalls(query: Query, filter: CallFilter): Promise<Page> {
  const after = readCursor(filter.cursor);
  if (filter.q === undefined) return pageOf(query, filter, after, null);
  const found = await find(filter.q, filter, after, finderOf(query));
  return found.kind === 'few'
    ? pageAmong(query, filter, after, found.rows)
    : lookThrough(query, filter, after, found);
}

/** Rows that are checked in one round trip: few enough to be read by their numbers. */
const AMONG_ROWS = 1_000;

/** Of what a search has found, the newest first. */
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

/** `among`: only these, where a search has found them. */
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

/** Rows looked at in one round trip, and for one page in all. */
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
  const named = `(f.rule = any (${bind(rules.map(clean))}) or exists (select from attempts a
    where a.call = f.call and a.target = any (${bind(targets.map(clean))})))`;
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

/**
 * What is asked for, in parts that are each walked by an index and merged: indexes tell callers from
 * B-legs and one end from another, and a walk over several would have to sort.
 */
function partsOf(filter: CallFilter, after: Position) {
  const values: unknown[] = [after.createdAt, after.row];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const terms = ['(f.created_at, f.call) < ($1::bigint, $2::bigint)'];
  for (const name of ['rule', 'ends', 'from', 'to', 'sessionId', 'parentId', 'phase'] as const) {
    const value = filter[name];
    if (value !== undefined) terms.push(`${COLUMNS[name]} = ${bind(clean(value))}`);
  }
  // The phase of a live call changes too often for an index: live calls have a short one of their own.
  if (filter.phase !== undefined) terms.push(filter.phase === 'ended' ? 'f.over' : 'not f.over');
  if (filter.since !== undefined) terms.push(`f.created_at >= ${bind(Math.round(filter.since))}`);
  if (filter.until !== undefined) terms.push(`f.created_at < ${bind(Math.round(filter.until))}`);
  if (filter.unacknowledged) terms.push(`position('${ACKNOWLEDGED_MARK}' in c.document) = 0`);
  if (filter.direction !== undefined) terms.push(isDirected(filter.direction));
  const attempt = (['target', 'verdict'] as const).flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [`a.${name} = ${bind(clean(value))}`];
  });
  if (attempt.length > 0) {
    // Target and verdict of one and the same attempt.
    terms.push(
      `exists (select from attempts a where a.call = f.call and ${attempt.join(' and ')})`,
    );
  }
  const all = filter.legs === 'all' || filter.parentId !== undefined;
  const legs = all && filter.outcome === undefined ? ['not f.leg', 'f.leg'] : ['not f.leg'];
  const parts = legs.flatMap((leg) =>
    numberTerms(filter, bind).flatMap((number) =>
      outcomeTerms(filter).map((outcome) => [leg, ...number, ...outcome, ...terms].join(' and ')),
    ),
  );
  return { parts, values, bind };
}

function numberTerms({ number }: CallFilter, bind: (value: unknown) => string): string[][] {
  if (number === undefined) return [[]];
  const ours = bind(clean(number));
  return [
    [`f.callee = ${ours}`, `not ${isDirected('outgoing')}`],
    [`f.caller = ${ours}`, isDirected('outgoing')],
  ];
}

function isDirected(direction: Direction): string {
  return `position('${directionMark(direction)}' in c.document) > 0`;
}

function outcomeTerms({ outcome }: CallFilter): string[][] {
  if (outcome === undefined) return [[]];
  const { always, tried, untried } = endsOfOutcome(outcome);
  const has = 'exists (select from attempts a where a.call = f.call)';
  const isOne = (ends: Ends) => `f.ends = '${ends}'`;
  return [
    ...always.map((ends) => [isOne(ends)]),
    ...tried.map((ends) => [isOne(ends), has]),
    ...untried.map((ends) => [isOne(ends), `not ${has}`]),
  ];
}

/**
 * A cursor is a transaction number. What lies before the oldest transaction still running is all
 * known, so nothing that commits late is passed over.
 */
export async function changedCalls(
  query: Query,
  after: string | null,
  limit: number,
): Promise<Changes> {
  const known = /^\d{1,19}$/.exec(after ?? '')?.[0] ?? null;
  const rows = await query(
    `with horizon as materialized (
       select pg_snapshot_xmin(pg_current_snapshot()) as running,
         -- Trimming leaves one old row, which marks how far it went.
         (select case when at < ${NOW_MS} - ${CHANGES_KEPT_MS} then transaction end
          from changes order by transaction limit 1) as trimmed),
     next as materialized (
       select transaction, keys from changes, horizon
       where transaction >= $1::text::xid8 and transaction < running order by transaction limit $2)
     select running::text as horizon, n.transaction::text as transaction, c.document::json->>'id' as id,
       coalesce($1::text::xid8 < trimmed, false) or coalesce($1::text::xid8 > running, true) as missed
     from horizon left join lateral (select transaction, unnest(keys) as key from next) n on true
     left join calls c on c.key = n.key order by n.transaction`,
    [known, limit],
  );
  const horizon = String(rows[0]?.horizon);
  if (after === null) return { callIds: [], cursor: horizon, missed: false };
  if (rows[0]?.missed === true) return { callIds: [], cursor: horizon, missed: true };
  // Whole commits, until there are enough; a call that changed again is told where it changed last.
  const callIds = new Set<string>();
  let last: string | null = null;
  let commits = 0;
  for (const { id, transaction } of rows) {
    if (typeof transaction !== 'string') break;
    if (transaction !== last) {
      if (callIds.size >= limit) return piece(callIds, last);
      commits += 1;
      last = transaction;
    }
    if (typeof id !== 'string') continue;
    callIds.delete(id);
    callIds.add(id);
  }
  return commits < limit
    ? { callIds: [...callIds], cursor: horizon, missed: false }
    : piece(callIds, last);
}

function piece(callIds: Set<string>, last: string | null): Changes {
  return { callIds: [...callIds], cursor: String(BigInt(last ?? 0) + 1n), missed: false };
}
