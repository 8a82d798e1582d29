/** Calls by filter, newest first: one index drives, the other filters are checked on a bounded number of rows. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { Call } from '../../core/machine/call.ts';
import { unpackCall } from '../rows/call-document.ts';
import { type Position, readCursor, writeCursor } from '../rows/cursor.ts';
import { ACKNOWLEDGED_MARK, keyOf, TIMELINE_ENTRIES_MAX, unpackEntry } from '../rows/rows.ts';
import type { CallFilter, TimelineEntry } from '../store.ts';

/** Rows looked at in one go of the event loop (about 2 ms), and for one page in all. */
const LIST_CHUNK_ROWS = 500;
const LIST_SCAN_ROWS_MAX = 20_000;

export interface Chunk {
  calls: { call: Call; position: Position }[];
  /** Rows looked at; fewer than asked for: nothing is left. */
  scanned: number;
  last: Position | null;
}

export interface SqliteList {
  chunk(filter: CallFilter, after: Position): Chunk;
  timeline(callId: string): TimelineEntry[];
}

export function prepareList(database: DatabaseSync): SqliteList {
  const document = database.prepare('select document from calls where call = ?');
  const entries = database.prepare(
    `select document from events where call = (select call from calls where key = ?)
     and document is not null order by entry limit ${TIMELINE_ENTRIES_MAX}`,
  );

  return {
    chunk(filter, after) {
      const { sql, values } = chunkQuery(filter, after);
      const rows = database.prepare(sql).all(...values) as {
        call: number;
        created_at: number;
        hit: number;
      }[];
      const calls: Chunk['calls'] = [];
      let position: Position | null = null;
      for (const row of rows) {
        const again = position?.row === row.call;
        position = { createdAt: row.created_at, row: row.call };
        if (!row.hit || again) continue;
        const found = document.get(row.call) as { document: string };
        calls.push({ call: unpackCall(found.document), position });
      }
      return { calls, scanned: rows.length, last: position };
    },

    timeline(callId) {
      const rows = entries.all(keyOf(callId)) as { document: string }[];
      return rows.map((row) => unpackEntry(row.document));
    },
  };
}

/** One page, put together of chunks with a turn of the event loop between them. */
export async function listPage(
  filter: CallFilter,
  look: (after: Position) => Promise<Chunk>,
): Promise<{ calls: Call[]; next: string | null }> {
  let position = readCursor(filter.cursor);
  const calls: Chunk['calls'] = [];
  for (let scanned = 0; scanned < LIST_SCAN_ROWS_MAX; scanned += LIST_CHUNK_ROWS) {
    const chunk = await look(position);
    calls.push(...chunk.calls);
    const page = calls.slice(0, filter.limit);
    const last = page.at(-1);
    if (calls.length > filter.limit && last) {
      return { calls: page.map(({ call }) => call), next: writeCursor(last.position) };
    }
    if (chunk.scanned < LIST_CHUNK_ROWS || chunk.last === null) {
      return { calls: page.map(({ call }) => call), next: null };
    }
    position = chunk.last;
    await setImmediate();
  }
  return { calls: calls.map(({ call }) => call), next: writeCursor(position) };
}

/**
 * Most telling first: the first of these that is asked for drives. `byLeg`: the index tells callers from
 * B-legs, of which one session, one caller and one rule have few.
 */
const CALL_FILTERS = [
  { name: 'parentId', column: 'parent', index: 'calls_parent', byLeg: false },
  { name: 'sessionId', column: 'session', index: 'calls_session', byLeg: false },
  { name: 'from', column: 'caller', index: 'calls_caller', byLeg: true },
  { name: 'to', column: 'callee', index: 'calls_callee', byLeg: true },
] as const;
const BROAD_FILTERS = [
  { name: 'rule', column: 'rule', index: 'calls_rule', byLeg: false },
  { name: 'ends', column: 'ends', index: 'calls_ends', byLeg: true },
  { name: 'phase', column: 'phase', index: 'calls_phase', byLeg: true },
] as const;

/** `indexed by` makes a query that would scan fail in the tests instead of at the millionth call. */
function chunkQuery(filter: CallFilter, after: Position): { sql: string; values: SQLInputValue[] } {
  const attempt = attemptTerms(filter);
  const hit = hitTerms(filter, attempt);
  const byCall = CALL_FILTERS.find(({ name }) => filter[name] !== undefined);
  const driver = byCall === undefined && attempt.terms.length > 0 ? attempt : callTerm(filter);
  const bounds = boundTerms(filter);
  const place = [...driver.terms, ...bounds.terms, '(created_at, call) < (?, ?)'];
  const part = (leg: number | null) => `select call, created_at
      from ${driver.table} indexed by ${driver.index}
      where ${[...place, ...(leg === null ? [] : [`leg = ${leg}`])].join(' and ')}
      order by created_at desc, call desc limit ${LIST_CHUNK_ROWS}`;
  // Two walks that are merged: one over both would have to sort all that the index brings.
  const parts = driver.byLeg ? legsOf(filter) : [null];
  const rows = parts.map((leg) => `select * from (${part(leg)})`).join(' union all ');
  const sql = `select d.call, d.created_at, coalesce(${hit.terms.join(' and ')}, 0) as hit from (
      ${rows} order by created_at desc, call desc limit ${LIST_CHUNK_ROWS}
    ) d join calls c on c.call = d.call order by d.created_at desc, d.call desc`;
  const own = [...driver.values, ...bounds.values, after.createdAt, after.row];
  return { sql, values: [...hit.values, ...parts.flatMap(() => own)] };
}

/** A caller's legs are B-legs, whatever else is asked for. */
function legsOf({ legs, parentId }: CallFilter): (0 | 1)[] {
  return legs === 'all' || parentId !== undefined ? [0, 1] : [0];
}

function boundTerms({ since, until }: CallFilter) {
  return {
    terms: [
      ...(since === undefined ? [] : ['created_at >= ?']),
      ...(until === undefined ? [] : ['created_at < ?']),
    ],
    values: [since, until].filter((bound) => bound !== undefined).map(Math.round),
  };
}

/** Target and verdict of one and the same attempt. */
function attemptTerms(filter: CallFilter) {
  const asked = (['target', 'verdict'] as const).filter((name) => filter[name] !== undefined);
  return {
    table: 'attempts',
    index: `attempts_${asked.join('_')}`,
    byLeg: false,
    terms: asked.map((name) => `${name} = ?`),
    values: asked.map((name) => filter[name] ?? null),
  };
}

function callTerm(filter: CallFilter) {
  const asked = [...CALL_FILTERS, ...BROAD_FILTERS].find(({ name }) => filter[name] !== undefined);
  return {
    table: 'calls',
    index: asked?.index ?? 'calls_created',
    byLeg: asked?.byLeg ?? true,
    terms: asked ? [`${asked.column} = ?`] : [],
    values: asked ? [filter[asked.name] ?? null] : [],
  };
}

/** Everything asked for, checked on each row that the index brings. */
function hitTerms(filter: CallFilter, attempt: ReturnType<typeof attemptTerms>) {
  const asked = [...CALL_FILTERS, ...BROAD_FILTERS].filter(
    ({ name }) => filter[name] !== undefined,
  );
  const callers = legsOf(filter).length === 1 ? ['c.leg = 0'] : [];
  const open = filter.unacknowledged ? [`instr(c.document, '${ACKNOWLEDGED_MARK}') = 0`] : [];
  const terms = ['1', ...callers, ...open, ...asked.map(({ column }) => `c.${column} = ?`)];
  if (attempt.terms.length > 0) {
    // The plus keeps the planner from walking all attempts of a verdict for each call.
    const own = ['a.call = c.call', ...attempt.terms.map((term) => `+a.${term}`)];
    terms.push(`exists (select 1 from attempts a where ${own.join(' and ')})`);
  }
  return { terms, values: [...asked.map(({ name }) => filter[name] ?? null), ...attempt.values] };
}
