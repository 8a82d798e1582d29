/** What belongs to no call: settings, replicas and the pulse. */
import { cleanOrNull } from '../../core/clean-text.ts';
import type { Replica, SettingName } from '../contract/settings.ts';
import { REPLICA_FORGOTTEN_MS, replicaOf, troublesText } from '../rows/replica.ts';
import { CHANGES_KEPT_MS } from './changes.ts';
import { NOW_MS } from './clock.ts';
import { STEP_MS_MIN } from './clock-steps.ts';
import type { Query } from './pool.ts';

export async function readSetting(
  query: Query,
  name: SettingName,
): Promise<{ version: number; value: unknown }> {
  const [row] = await query('select version, value from settings where name = $1', [name]);
  return row
    ? { version: Number(row.version), value: JSON.parse(String(row.value)) }
    : { version: 0, value: null };
}

/**
 * Needs a transaction: the row stays locked between reading and writing. It is made first, because
 * two replicas that found none would both begin from nothing.
 */
export async function changeSetting(
  query: Query,
  name: SettingName,
  change: (value: unknown, now: number) => unknown,
): Promise<number> {
  const read = `select value, ${NOW_MS} as now from settings where name = $1 for update`;
  let [row] = await query(read, [name]);
  if (row === undefined) {
    await query("insert into settings values ($1, 0, 'null') on conflict do nothing", [name]);
    [row] = await query(read, [name]);
  }
  const value = change(JSON.parse(String(row?.value)), Number(row?.now));
  const [written] = await query(
    'update settings set version = version + 1, value = $2 where name = $1 returning version',
    [name, JSON.stringify(value) ?? 'null'],
  );
  return Number(written?.version);
}

/**
 * Also removes old changes, from the transaction `from` on, and returns from which on to do it the
 * next time; null: from the same. While somebody holds a snapshot, what is before it is still in
 * the index, and reading that would take longer with every commit.
 */
export async function beat(
  query: Query,
  { id, startedAt, routeSet, refusal, troubles }: Omit<Replica, 'seenAt'>,
  from: string,
): Promise<string | null> {
  const [row] = await query(
    `with forgotten as (delete from replicas where id <> $1
       and (seen_at < ${NOW_MS} - ${REPLICA_FORGOTTEN_MS} or ${IS_AHEAD})),
     old as materialized (select max(transaction) as last from changes
       where transaction >= $6::text::xid8 and at < ${NOW_MS} - ${CHANGES_KEPT_MS}),
     trimmed as (delete from changes
       where transaction >= $6::text::xid8 and transaction < (select last from old))
     insert into replicas (id, started_at, seen_at, route_set, refusal, troubles)
       values ($1, $2, ${NOW_MS}, $3, $4, $5)
     on conflict (id) do update set started_at = excluded.started_at, seen_at = excluded.seen_at,
       route_set = excluded.route_set, refusal = excluded.refusal, troubles = excluded.troubles
     returning (select last::text from old) as last`,
    [
      id,
      Math.round(startedAt),
      routeSet,
      cleanOrNull(refusal),
      cleanOrNull(troublesText(troubles)),
      from,
    ],
  );
  return typeof row?.last === 'string' ? row.last : null;
}

/**
 * A heartbeat from before the clock was set back says nothing about now. Who lives has another
 * within seconds.
 */
const IS_AHEAD = `seen_at > ${NOW_MS} + ${STEP_MS_MIN}`;

export async function allReplicas(query: Query): Promise<Replica[]> {
  const rows = await query(`select * from replicas where not ${IS_AHEAD} order by started_at, id`);
  return rows.map(replicaOf);
}

export async function readNow(query: Query): Promise<number> {
  const [row] = await query(`select ${NOW_MS} as now`);
  return Number(row?.now);
}

/** The last heartbeat of any replica, and the present time; null if there never was one. */
export async function readLastSeen(query: Query): Promise<{ at: number; now: number } | null> {
  const [row] = await query(`select ${NOW_MS} as now, max(seen_at) as at from replicas`);
  return row?.at == null ? null : { at: Number(row.at), now: Number(row.now) };
}

export async function pulse(query: Query): Promise<void> {
  await query(`update pulse set at = ${NOW_MS}`);
}
