/** Which calls changed after a cursor, whichever replica changed them. */
import type { Changes } from '../contract/changes.ts';
import { NOW_MS } from './clock.ts';
import type { Query } from './pool.ts';

/**
 * Not read as JSON: a caller's text may contain characters that PostgreSQL's JSON refuses, which
 * would hide every other change too.
 */
const ID = `substring(c.document from '^\\{"id":("(?:[^"\\\\]|\\\\.)*")')`;

/**
 * Whether a running transaction writes no changes: nobody must wait for a restore into another
 * database of the server, or for a session that somebody left open. Writers lock the table before
 * they get their number. A transaction that ends while the locks are read may have given up one
 * lock and not yet the other, hence the last look.
 */
const IS_FOREIGN = `case
  when exists (select from locks t where t.transactionid = r.id::xid
    and not exists (select from locks w where w.virtualtransaction = t.virtualtransaction
      and w.relation is not null))
  then coalesce(pg_xact_status(r.id) = 'in progress', false) else false end`;

/** How long changes are kept for watchers. */
export const CHANGES_KEPT_MS = 2 * 60_000;

export const FIRST_CHANGE = '0';

/**
 * A cursor is a transaction number. Only transactions before the oldest one still running that may
 * write changes are reported, so that a transaction that commits late is not missed. `from`:
 * earlier transactions have no changes any more.
 */
export async function changedCalls(
  query: Query,
  after: string | null,
  limit: number,
  from = FIRST_CHANGE,
): Promise<Changes> {
  const known = /^\d{1,19}$/.exec(after ?? '')?.[0] ?? null;
  const rows = await query(
    `with locks as materialized (
       select virtualtransaction, transactionid, relation from pg_locks
       where granted and (locktype = 'transactionid' and mode = 'ExclusiveLock'
         or locktype = 'relation' and relation = 'changes'::regclass
           and database = (select oid from pg_database where datname = current_database()))),
     horizon as materialized (
       select coalesce(
           (select min(r.id) from pg_snapshot_xip(pg_current_snapshot()) r(id)
            where not ${IS_FOREIGN}),
           pg_snapshot_xmax(pg_current_snapshot())) as running,
         -- Trimming leaves one old row, which marks how far it went.
         (select case when at < ${NOW_MS} - ${CHANGES_KEPT_MS} then transaction end
          from changes where transaction >= $3::text::xid8
          order by transaction limit 1) as trimmed),
     next as materialized (
       select transaction, keys from changes, horizon
       where transaction >= $1::text::xid8 and transaction < running order by transaction limit $2)
     select running::text as horizon, n.transaction::text as transaction, ${ID} as id,
       coalesce($1::text::xid8 < trimmed, false) or coalesce($1::text::xid8 > running, true) as missed
     from horizon left join lateral (select transaction, unnest(keys) as key from next) n on true
     left join calls c on c.key = n.key order by n.transaction`,
    [known, limit, from],
  );
  const horizon = String(rows[0]?.horizon);
  if (after === null) return { callIds: [], cursor: horizon, missed: false };
  if (rows[0]?.missed === true) return { callIds: [], cursor: horizon, missed: true };
  // Takes whole commits until there are enough; a call that changed again is reported where it
  // changed last.
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
    const callId = String(JSON.parse(id));
    callIds.delete(callId);
    callIds.add(callId);
  }
  return commits < limit
    ? { callIds: [...callIds], cursor: horizon, missed: false }
    : piece(callIds, last);
}

function piece(callIds: Set<string>, last: string | null): Changes {
  return { callIds: [...callIds], cursor: String(BigInt(last ?? 0) + 1n), missed: false };
}
