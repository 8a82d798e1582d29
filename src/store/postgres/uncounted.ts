/** Items that wait to be counted or added up, and taking those that are due. */

import type { Uncounted } from '../contract/calls.ts';
import { HOURLY_SUMS } from '../contract/calls.ts';
import { unpackCall } from '../rows/call-document.ts';
import { CLOCK } from './clock.ts';
import type { Query } from './pool.ts';

/**
 * Needs `CLOCK`. The first of those that are due: $1 of them, of calls that our code ($2) may read.
 * Not a join: where it expected few, the planner joined all calls that wait, to sort them, which
 * with 178,000 took 23 s each time. The inner order is kept, and only what is taken is locked.
 */
export function dueItems(kind: '=' | '<>'): string {
  return `select call, item, due_at from (
      select call, item, due_at from uncounted
      where item ${kind} '${HOURLY_SUMS}' and due_at <= (select now from clock)
      order by due_at for update skip locked) u
    where (select c.code from call_filters f join calls c on c.key = f.key where f.call = u.call) <= $2
    limit $1`;
}

/** Skips rows that another replica is taking now, because it counts them. */
export async function takeUncounted(
  query: Query,
  limit: number,
  codeVersion: number,
): Promise<Uncounted[]> {
  const rows = await query(
    `with ${CLOCK}, due as materialized (${dueItems('<>')}),
     taken as (
       delete from uncounted u using due where u.call = due.call and u.item = due.item
       returning due.call, due.item)
     select t.item, c.document
     from taken t join call_filters f on f.call = t.call join calls c on c.key = f.key`,
    [limit, codeVersion],
  );
  return rows.map(({ item, document }) => ({
    item: String(item),
    call: unpackCall(String(document)),
  }));
}
