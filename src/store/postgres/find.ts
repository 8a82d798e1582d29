/** Looks up a search text in the indexes. */

import { HOURLY_SUMS } from '../contract/calls.ts';
import type { Position } from '../rows/cursor.ts';
import { type Finder, idMark } from '../rows/find.ts';
import { keyText } from '../rows/key.ts';
import { GRAM_CHARS } from '../rows/search.ts';
import type { Query } from './pool.ts';

export function finderOf(query: Query): Finder {
  const names = async (sql: string) => (await query(sql, [])).map(({ value }) => String(value));
  const span = 'created_at between $2 and $3';
  return {
    async gramCounts(grams, limit) {
      const rows = await query(
        `select (select count(*) from (
             select from party_grams where gram = g.gram limit $2) few) as n
         from unnest($1::text[]) with ordinality g(gram, nth) order by nth`,
        [grams, limit],
      );
      return rows.map(({ n }) => Number(n));
    },
    async partiesWith(gram, part, limit) {
      const rows = await query(
        `select p.party from party_grams g join parties p on p.number = g.party
         where g.gram = $1 and case when length($2) < ${GRAM_CHARS} then p.words = $2
           else position($2 in p.words) > 0 end limit $3`,
        [gram, part, limit],
      );
      return rows.map(({ party }) => String(party));
    },
    rules: () => names(distinct('call_filters', 'rule')),
    targets: () => names(distinct('attempts', 'target')),
    // Between two unknown texts the planner expects a tenth of all ids, and would read every row to
    // join so many. The limits inside the join make it use the index.
    async callsOf({ parties, rules, targets, ids }, callId, { since, last, limit }) {
      const rows = await query(
        `(select call, created_at from call_filters
            where caller = any ($1) and leg in (false, true) and ${span} limit $4)
         union all (select call, created_at from call_filters
            where callee = any ($1) and leg in (false, true) and ${span} limit $4)
         union all (select call, created_at from call_filters
            where rule = any ($5) and ${span} limit $4)
         union all (select call, created_at from attempts
            where target = any ($6) and ${span} limit $4)
         union all (select f.call, f.created_at from calls c join call_filters f using (call)
            where c.key = $7 and f.${span})
         union all (select f.call, f.created_at from unnest($8::text[]) start
            cross join lateral (select call from folded
              where id_start >= start and id_start < start || U&'\\+10ffff' limit $4) d
            cross join lateral (select call, created_at from call_filters
              where call = d.call and ${span} limit 1) f limit $4)`,
        [parties, since, last, limit, rules, targets, keyText(callId), ids],
      );
      return rows.map(positionOf);
    },
    async unfolded(ids, { since, last, limit }) {
      // Not read as JSON, because a caller's text may contain characters that PostgreSQL's JSON
      // refuses.
      const row = `f.call, f.created_at, f.caller, f.callee,
        exists (select from unnest($4::text[]) mark where position(mark in c.document) > 0) as by_id`;
      const rows = await query(
        `(select ${row} from call_filters f join calls c on c.key = f.key
            where not f.over and f.leg in (false, true)
              and f.created_at between $1 and $2 limit $3)
         union all (select ${row} from uncounted u join call_filters f on f.call = u.call
            join calls c on c.key = f.key
            where u.item = '${HOURLY_SUMS}' and f.created_at between $1 and $2 limit $3)`,
        [since, last, limit, ids.map(idMark)],
      );
      return rows.map((each) => ({
        ...positionOf(each),
        caller: each.caller === null ? null : String(each.caller),
        callee: each.callee === null ? null : String(each.callee),
        byId: each.by_id === true,
      }));
    },
  };
}

function positionOf({ call, created_at }: Record<string, unknown>): Position {
  return { createdAt: Number(created_at), row: Number(call) };
}

/** Jumps from one value to the next in the index: a few steps, however many rows there are. */
function distinct(table: string, column: string): string {
  return `with recursive each(value) as (
      (select ${column} from ${table} where ${column} is not null order by ${column} limit 1)
      union all
      select (select ${column} from ${table} where ${column} > each.value order by ${column} limit 1)
      from each where each.value is not null)
    select value from each where value is not null`;
}
