/** Reads recent activity; the server counts, in one round trip. */
import type { Phase, Verdict } from '../../core/machine/call.ts';
import { OTHERWISE } from '../../core/machine/plan.ts';
import type { Activity } from '../contract/activity.ts';
import { MINUTE_MS, neverAsked, withoutNone } from '../rows/activity.ts';
import { NOW_MS } from './clock.ts';
import type { Query } from './pool.ts';

const MINUTE = (column: string) => `${column} / ${MINUTE_MS} * ${MINUTE_MS}`;

export async function readActivity(
  query: Query,
  since: number,
  callsMax: number,
): Promise<Activity> {
  // `offset 0`: planned as a join, it read the attempts of all calls for the last hour's.
  const [row] = await query(
    `with recent as materialized (
       select f.call, f.created_at, nullif(f.rule, '${OTHERWISE}') as rule, f.ends, f.costs,
         f.table_rows, n.attempts, n.untried
       from call_filters f, lateral (
         select count(*) as attempts, count(*) filter (
           where a.verdict = 'skipped' or ${neverAsked('a')}) as untried
         from attempts a where a.call = f.call) n
       where not f.leg and f.created_at >= $1
       order by f.created_at desc, f.call desc limit $2),
     by_call as (
       select ${MINUTE('created_at')} as minute, rule, ends, attempts, untried,
         count(*) as count
       from recent group by 1, 2, 3, 4, 5),
     by_attempt as (
       select ${MINUTE('a.started_at')} as minute, r.rule, a.target, a.kind, a.verdict, count(*) as count,
         coalesce(json_agg(a.took_ms) filter (where a.took_ms is not null), '[]') as "tookMs"
       from recent r, lateral (select * from attempts where call = r.call offset 0) a
       where not ${neverAsked('a')}
       group by 1, 2, 3, 4, 5),
     by_cost as (
       select r.rule, x.target, x.currency, sum(x.amount::numeric)::text as amount, x.moved
       from recent r, lateral (
         select e->>'target' as target, e->>'currency' as currency, e->>'amount' as amount,
           (e->'target') is not null as moved
         from json_array_elements(r.costs::json) e) x
       group by r.rule, x.target, x.moved, x.currency),
     by_row as (
       select e->>'table' as "table", e->>'key' as key, r.ends, r.attempts, r.untried,
         count(*) as count
       from recent r, lateral json_array_elements(r.table_rows::json) e group by 1, 2, 3, 4, 5),
     by_phase as (
       select c.phase, count(*) as count from call_filters f join calls c on c.key = f.key
       where not f.leg and not f.over and c.phase <> 'ended' group by 1)
     select ${NOW_MS} as now,
       (select count(*) from recent) as n, (select min(created_at) from recent) as oldest,
       coalesce((select json_agg(x) from by_phase x), '[]') as live,
       coalesce((select json_agg(x) from by_call x), '[]') as calls,
       coalesce((select json_agg(x) from by_attempt x), '[]') as attempts,
       coalesce((select json_agg(x) from by_cost x), '[]') as costs,
       coalesce((select json_agg(x) from by_row x), '[]') as "tableRows"`,
    [Math.round(since), callsMax],
  );
  const full = Number(row?.n) >= callsMax;
  return {
    now: Number(row?.now),
    since: full ? Number(row?.oldest) : since,
    live: (row?.live ?? []) as { phase: Phase; count: number }[],
    calls: ((row?.calls ?? []) as Activity['calls']).map(withoutNone),
    attempts: (row?.attempts ?? []) as (Activity['attempts'][number] & {
      verdict: Verdict | null;
    })[],
    costs: ((row?.costs ?? []) as (Activity['costs'][number] & { moved: boolean })[]).map(
      ({ moved, target, ...cost }) => (moved ? { ...cost, target: target ?? null } : cost),
    ),
    rows: ((row?.tableRows ?? []) as Activity['rows']).map(withoutNone),
  };
}
