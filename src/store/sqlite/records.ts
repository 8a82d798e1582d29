/** What is not a call: settings, replicas, dead letters, the pulse; and pruning what is over. */
import type { DatabaseSync } from 'node:sqlite';
import { unpackCall } from '../rows/call-document.ts';
import type { RecentRows } from '../rows/recent-rows.ts';
import { DEAD_LETTERS_MAX, keyOf, REPLICA_FORGOTTEN_MS, troublesText } from '../rows/rows.ts';
import type { Replica, SettingName, Uncounted } from '../store.ts';
import type { TimeBase } from './store-time.ts';

export interface SqliteRecords {
  deadLetter(event: unknown, error: string, command: string | null, now: number): void;
  setting(name: SettingName): { version: number; value: unknown };
  changeSetting(name: SettingName, change: (value: unknown) => unknown): number;
  heartbeat(replica: Omit<Replica, 'seenAt'>, now: number): void;
  replicas(): Replica[];
  prune(before: number, limit: number): number;
  takeUncounted(limit: number, now: number): Uncounted[];
  /** Proves that a write works, and moves the file's stamp on; see held-file.ts. */
  ping(base: TimeBase): void;
  timeBase(): TimeBase | null;
}

type ReplicaRow = {
  id: string;
  started_at: number;
  seen_at: number;
  route_set: string | null;
  refusal: string | null;
  troubles: string | null;
};

export function prepareRecords(
  database: DatabaseSync,
  recent: RecentRows,
  codeVersion: number,
): SqliteRecords {
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
  const over = database.prepare(
    `select call from calls where ended_at < ? and code <= ${codeVersion} order by ended_at limit ?`,
  );
  const removals = ['commands', 'attempts', 'events', 'uncounted', 'calls'].map((table) =>
    database.prepare(`delete from ${table} where call = ?`),
  );
  const countsDue = database.prepare(
    `select u.call, u.item, c.document from uncounted u join calls c using (call)
     where u.due_at <= ? and c.code <= ${codeVersion} order by u.due_at limit ?`,
  );
  const takeCount = database.prepare('delete from uncounted where call = ? and item = ?');
  const pulse = database.prepare(
    'insert into pulse (only, at) values (1, ?) on conflict (only) do update set at = excluded.at',
  );
  const readBase = database.prepare('select at, since_boot, boot from time_base');
  const writeBase = database.prepare(
    `insert into time_base (only, at, since_boot, boot) values (1, ?, ?, ?)
     on conflict (only) do update set at = excluded.at, since_boot = excluded.since_boot,
       boot = excluded.boot`,
  );
  const readStamp = database.prepare('pragma user_version');

  return {
    deadLetter(event, error, command, now) {
      inTransaction(() => {
        const { lastInsertRowid } = addLetter.run(now, JSON.stringify(event) ?? 'null', error);
        dropLetters.run(lastInsertRowid);
        if (command !== null) dropCommand.run(keyOf(command));
      });
    },

    setting: read,

    changeSetting(name, change) {
      return inTransaction(() => {
        const { version, value } = read(name);
        writeSetting.run(name, version + 1, JSON.stringify(change(value)) ?? 'null');
        return version + 1;
      });
    },

    heartbeat({ id, startedAt, routeSet, refusal, troubles }, now) {
      inTransaction(() => {
        beat.run(id, Math.round(startedAt), now, routeSet, refusal, troublesText(troubles));
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

    prune(before, limit) {
      if (!over.get(before, 1)) return 0;
      const removed = inTransaction(() => {
        const rows = (over.all(before, limit) as { call: number }[]).map(({ call }) => call);
        for (const row of rows) for (const remove of removals) remove.run(row);
        return rows;
      });
      recent.removed(removed);
      return removed.length;
    },

    takeUncounted(limit, now) {
      // Mostly there is nothing: no transaction for that.
      if (countsDue.get(now, 1) === undefined) return [];
      return inTransaction(() => {
        const rows = countsDue.all(now, limit) as {
          call: number;
          item: string;
          document: string;
        }[];
        for (const { call, item } of rows) takeCount.run(call, item);
        return rows.map(({ item, document }) => ({ item, call: unpackCall(document) }));
      });
    },

    ping({ at, sinceBoot, boot }) {
      inTransaction(() => {
        database.exec(`pragma user_version = ${Number(readStamp.get()?.user_version) + 1}`);
        pulse.run(Math.floor(at));
        writeBase.run(Math.floor(at), sinceBoot, boot);
      });
    },

    timeBase() {
      const row = readBase.get();
      if (row === undefined) return null;
      return {
        at: Number(row.at),
        sinceBoot: Number(row.since_boot),
        boot: row.boot === null ? null : String(row.boot),
      };
    },
  };

  function read(name: SettingName): { version: number; value: unknown } {
    const row = readSetting.get(name) as { version: number; value: string } | undefined;
    return row
      ? { version: row.version, value: JSON.parse(row.value) }
      : { version: 0, value: null };
  }

  function inTransaction<T>(work: () => T): T {
    database.exec('begin immediate');
    try {
      const result = work();
      database.exec('commit');
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      throw error;
    }
  }
}
