/** Removes old calls, and cancelled commands. */

import { HOURLY_SUMS } from '../contract/calls.ts';
import { NOW_MS } from './clock.ts';
import { forgetParties, waitForHistory } from './history.ts';
import type { Query } from './pool.ts';

/** $1: calls that ended before it; $2: our code version. */
const OLD = `call_filters f join calls c on c.key = f.key
  where f.ended_at < $1 and c.code <= $2
    and not exists (
      select from uncounted u where u.call = f.call and u.item = '${HOURLY_SUMS}')`;

/** Whether there is anything to prune; mostly not, which needs neither a transaction nor a lock. */
export async function hasOldCalls(
  query: Query,
  before: number,
  codeVersion: number,
): Promise<boolean> {
  const rows = await query(`select from ${OLD} order by f.ended_at limit 1`, [before, codeVersion]);
  return rows.length > 0;
}

/**
 * Needs a transaction. Skips rows that another replica is pruning or an event is changing, and
 * calls that must still be added to the hourly sums. The rows are locked by a statement of their
 * own: one that also deletes would not see what an event has written just before its row was
 * locked, and would leave that behind for ever.
 */
export async function pruneCalls(
  query: Query,
  before: number,
  limit: number,
  codeVersion: number,
): Promise<number> {
  await waitForHistory(query);
  const old = await query(
    `select f.call from ${OLD} order by f.ended_at limit $3 for update of c skip locked`,
    [before, codeVersion, limit],
  );
  if (old.length === 0) return 0;
  const [row] = await query(
    `with over as materialized (
       select f.call, f.key, f.caller, f.callee from ${OLD} and f.call = any ($3)),
     events_gone as (delete from events e using over where e.call = over.call),
     attempts_gone as (delete from attempts a using over where a.call = over.call),
     uncounted_gone as (delete from uncounted u using over where u.call = over.call),
     folded_gone as (delete from folded d using over where d.call = over.call),
     commands_gone as (delete from commands k using over where k.call = over.call),
     filters_gone as (delete from call_filters f using over where f.call = over.call),
     calls_gone as (delete from calls c using over where c.key = over.key)
     select count(*) as n,
       array(select caller from over where caller is not null
         union select callee from over where callee is not null) as parties
     from over`,
    [before, codeVersion, old.map(({ call }) => call)],
  );
  await forgetParties(query, (row?.parties ?? []) as string[]);
  return Number(row?.n);
}

/** Commands that were cancelled in flight and whose replica no longer runs. */
export async function dropCancelled(query: Query): Promise<void> {
  await query(
    `delete from commands where key = any (array(
       select key from commands where cancelled and (owner is null or ready_at <= ${NOW_MS})
       for update skip locked))`,
  );
}
