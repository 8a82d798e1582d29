/** What belongs to no call: settings and replicas. */
import type { DatabaseSync } from 'node:sqlite';
import { cleanOrNull } from '../../core/clean-text.ts';
import type { Replica, SettingName } from '../contract/settings.ts';
import { REPLICA_FORGOTTEN_MS, replicaOf, troublesText } from '../rows/replica.ts';
import { inTransaction } from './transaction.ts';

export interface SqliteRecords {
  setting(name: SettingName): { version: number; value: unknown };
  changeSetting(name: SettingName, change: (value: unknown) => unknown): number;
  heartbeat(replica: Omit<Replica, 'seenAt'>, now: number): void;
  replicas(): Replica[];
}

/** For reading only. */
export function prepareSetting(database: DatabaseSync): SqliteRecords['setting'] {
  const byName = database.prepare('select version, value from settings where name = ?');
  return (name) => {
    const row = byName.get(name) as { version: number; value: string } | undefined;
    return row
      ? { version: row.version, value: JSON.parse(row.value) }
      : { version: 0, value: null };
  };
}

export function prepareRecords(database: DatabaseSync): SqliteRecords {
  const setting = prepareSetting(database);
  const writeSetting = database.prepare(
    `insert into settings (name, version, value) values (?, ?, ?)
     on conflict (name) do update set version = excluded.version, value = excluded.value`,
  );
  const beat = database.prepare(
    `insert into replicas (id, started_at, seen_at, route_set, refusal, troubles) values (?, ?, ?, ?, ?, ?)
     on conflict (id) do update set started_at = excluded.started_at, seen_at = excluded.seen_at,
       route_set = excluded.route_set, refusal = excluded.refusal, troubles = excluded.troubles`,
  );
  const forget = database.prepare('delete from replicas where seen_at < ?');
  const allReplicas = database.prepare('select * from replicas order by started_at, id');

  return {
    setting,

    changeSetting(name, change) {
      return inTransaction(database, () => {
        const { version, value } = setting(name);
        writeSetting.run(name, version + 1, JSON.stringify(change(value)) ?? 'null');
        return version + 1;
      });
    },

    heartbeat({ id, startedAt, routeSet, refusal, troubles }, now) {
      inTransaction(database, () => {
        beat.run(
          id,
          Math.round(startedAt),
          now,
          routeSet,
          cleanOrNull(refusal),
          troublesText(troubles),
        );
        forget.run(now - REPLICA_FORGOTTEN_MS);
      });
    },

    replicas: () => (allReplicas.all() as Record<string, unknown>[]).map(replicaOf),
  };
}
