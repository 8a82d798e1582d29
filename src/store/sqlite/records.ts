/** Everything that does not belong to a call: settings, replicas and dead letters. */
import type { DatabaseSync } from 'node:sqlite';
import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { Replica, SettingName } from '../contract/settings.ts';
import { DEAD_LETTERS_MAX, keyOf, REPLICA_FORGOTTEN_MS, troublesText } from '../rows/rows.ts';
import { inTransaction } from './transaction.ts';

export interface SqliteRecords {
  deadLetter(event: unknown, error: string, command: string | null, now: number): void;
  setting(name: SettingName): { version: number; value: unknown };
  changeSetting(name: SettingName, change: (value: unknown) => unknown): number;
  heartbeat(replica: Omit<Replica, 'seenAt'>, now: number): void;
  replicas(): Replica[];
}

type ReplicaRow = {
  id: string;
  started_at: number;
  seen_at: number;
  route_set: string | null;
  refusal: string | null;
  troubles: string | null;
};

export function prepareRecords(database: DatabaseSync): SqliteRecords {
  const addLetter = database.prepare(
    'insert into dead_letters (at, event, error) values (?, ?, ?)',
  );
  const dropLetters = database.prepare(
    `delete from dead_letters where letter <= ? - ${DEAD_LETTERS_MAX}`,
  );
  const dropCommand = database.prepare('delete from commands where key = ?');
  const readSetting = database.prepare('select version, value from settings where name = ?');
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
    deadLetter(event, error, command, now) {
      inTransaction(database, () => {
        const { lastInsertRowid } = addLetter.run(
          now,
          JSON.stringify(event) ?? 'null',
          clean(error),
        );
        dropLetters.run(lastInsertRowid);
        if (command !== null) dropCommand.run(keyOf(command));
      });
    },

    setting: read,

    changeSetting(name, change) {
      return inTransaction(database, () => {
        const { version, value } = read(name);
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

    replicas() {
      return (allReplicas.all() as ReplicaRow[]).map((row) => ({
        id: row.id,
        startedAt: row.started_at,
        seenAt: row.seen_at,
        routeSet: row.route_set,
        refusal: row.refusal,
        troubles: row.troubles === null ? null : JSON.parse(row.troubles),
      }));
    },
  };

  function read(name: SettingName): { version: number; value: unknown } {
    const row = readSetting.get(name) as { version: number; value: string } | undefined;
    return row
      ? { version: row.version, value: JSON.parse(row.value) }
      : { version: 0, value: null };
  }
}
