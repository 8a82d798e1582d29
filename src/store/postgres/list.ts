/** Calls by filter, newest first; timelines; what changed. */
import type { Call } from '../../core/machine/call.ts';
import { unpackCall } from '../rows/call-document.ts';
import { type Position, readCursor, writeCursor } from '../rows/cursor.ts';
import {
  ACKNOWLEDGED_MARK,
  CHANGES_KEPT_MS,
  TIMELINE_ENTRIES_MAX,
  unpackEntry,
} from '../rows/rows.ts';
import type { CallFilter, Changes, StoredCall, TimelineEntry } from '../store.ts';
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

export async function listCalls(
  query: Query,
  filter: CallFilter,
): Promise<{ calls: Call[]; next: string | null }> {
  const after = readCursor(filter.cursor);
  const values: unknown[] = [after.createdAt, after.row, filter.limit + 1];
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
  // Indexes tell callers from B-legs: two walks that are merged, for one over both would have to sort.
  const all = filter.legs === 'all' || filter.parentId !== undefined;
  const parts = (all ? ['not f.leg', 'f.leg'] : ['not f.leg']).map(
    (leg) => `(select f.created_at, f.call, c.document
       from call_filters f join calls c on c.key = f.key
       where ${[leg, ...terms].join(' and ')} order by f.created_at desc, f.call desc limit $3)`,
  );
  const rows = await query(
    `select * from (${parts.join(' union all ')}) found
     order by created_at desc, call desc limit $3`,
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
