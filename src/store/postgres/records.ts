/** What is not a call: settings, replicas, dead letters, the pulse; and pruning what is over. */

import { unpackCall } from '../rows/call-document.ts';
import {
  CHANGES_KEPT_MS,
  DEAD_LETTERS_MAX,
  REPLICA_FORGOTTEN_MS,
  troublesText,
} from '../rows/rows.ts';
import type { Replica, SettingName, Uncounted } from '../store.ts';
import { NOW_MS } from './load.ts';
import type { Query } from './pool.ts';
import { clean, cleanOrNull, keyText } from './values.ts';

export async function addDeadLetter(
  query: Query,
  event: unknown,
  error: string,
  command: string | null,
): Promise<void> {
  await query(
    `with added as (
       insert into dead_letters (at, event, error) values (${NOW_MS}, $1, $2) returning letter),
     done as (delete from commands where key = $3::uuid)
     delete from dead_letters d using added where d.letter <= added.letter - ${DEAD_LETTERS_MAX}`,
    [JSON.stringify(event) ?? 'null', clean(error), command === null ? null : keyText(command)],
  );
}

export async function readSetting(
  query: Query,
  name: SettingName,
): Promise<{ version: number; value: unknown }> {
  const [row] = await query('select version, value from settings where name = $1', [name]);
  return row
    ? { version: Number(row.version), value: JSON.parse(String(row.value)) }
    : { version: 0, value: null };
}

/** In a transaction of the caller's: the row stays locked between the look and the change. */
export async function changeSetting(
  query: Query,
  name: SettingName,
  change: (value: unknown, now: number) => unknown,
): Promise<number> {
  const [row] = await query(
    `select value, now from (select ${NOW_MS} as now) clock
     left join lateral (select value from settings where name = $1 for update) s on true`,
    [name],
  );
  const { value: before = null, now } = row ?? {};
  const value = change(before === null ? null : JSON.parse(String(before)), Number(now));
  const [written] = await query(
    `insert into settings values ($1, 1, $2)
     on conflict (name) do update set version = settings.version + 1, value = excluded.value
     returning version`,
    [name, JSON.stringify(value) ?? 'null'],
  );
  return Number(written?.version);
}

export async function beat(
  query: Query,
  { id, startedAt, routeSet, refusal, troubles }: Omit<Replica, 'seenAt'>,
): Promise<void> {
  await query(
    `with forgotten as (delete from replicas where seen_at < ${NOW_MS} - ${REPLICA_FORGOTTEN_MS} and id <> $1),
     trimmed as (delete from changes where transaction <
       (select max(transaction) from changes where at < ${NOW_MS} - ${CHANGES_KEPT_MS}))
     insert into replicas (id, started_at, seen_at, route_set, refusal, troubles)
       values ($1, $2, ${NOW_MS}, $3, $4, $5)
     on conflict (id) do update set started_at = excluded.started_at, seen_at = excluded.seen_at,
       route_set = excluded.route_set, refusal = excluded.refusal, troubles = excluded.troubles`,
    [
      id,
      Math.round(startedAt),
      routeSet,
      cleanOrNull(refusal),
      cleanOrNull(troublesText(troubles)),
    ],
  );
}

export async function allReplicas(query: Query): Promise<Replica[]> {
  const rows = await query('select * from replicas order by started_at, id');
  return rows.map((row) => ({
    id: String(row.id),
    startedAt: Number(row.started_at),
    seenAt: Number(row.seen_at),
    routeSet: row.route_set === null ? null : String(row.route_set),
    refusal: row.refusal === null ? null : String(row.refusal),
    troubles: row.troubles === null ? null : JSON.parse(String(row.troubles)),
  }));
}

export async function readNow(query: Query): Promise<number> {
  const [row] = await query(`select ${NOW_MS} as now`);
  return Number(row?.now);
}

/** Rows that another replica prunes this moment, or an event is changing, are skipped. */
export async function pruneCalls(
  query: Query,
  before: number,
  limit: number,
  codeVersion: number,
): Promise<number> {
  const [row] = await query(
    `with over as materialized (
       select c.call, c.key from call_filters f join calls c on c.key = f.key
       where f.ended_at < $1 and c.code <= $3
       order by f.ended_at limit $2 for update of c skip locked),
     events_gone as (delete from events e using over where e.call = over.call),
     attempts_gone as (delete from attempts a using over where a.call = over.call),
     uncounted_gone as (delete from uncounted u using over where u.call = over.call),
     commands_gone as (delete from commands k using over where k.call = over.call),
     filters_gone as (delete from call_filters f using over where f.call = over.call),
     calls_gone as (delete from calls c using over where c.key = over.key)
     select count(*) as n from over`,
    [before, limit, codeVersion],
  );
  return Number(row?.n);
}

/** Rows that another replica takes this moment are skipped: it counts them. */
export async function takeUncounted(
  query: Query,
  limit: number,
  codeVersion: number,
): Promise<Uncounted[]> {
  const rows = await query(
    `with due as materialized (
       select u.call, u.item, c.document
       from uncounted u join call_filters f on f.call = u.call join calls c on c.key = f.key
       where u.due_at <= ${NOW_MS} and c.code <= $2
       order by u.due_at limit $1 for update of u skip locked),
     taken as (
       delete from uncounted u using due where u.call = due.call and u.item = due.item
       returning due.item, due.document)
     select item, document from taken`,
    [limit, codeVersion],
  );
  return rows.map(({ item, document }) => ({
    item: String(item),
    call: unpackCall(String(document)),
  }));
}

/** Taken back while in the air, and whoever had it there is gone. */
export async function dropCancelled(query: Query): Promise<void> {
  await query(
    `delete from commands where key = any (array(
       select key from commands where cancelled and (owner is null or ready_at <= ${NOW_MS})
       for update skip locked))`,
  );
}

export async function pulse(query: Query): Promise<void> {
  await query(`update pulse set at = ${NOW_MS}`);
}
