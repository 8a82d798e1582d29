/**
 * A store for reading only, beside a server that is using it: nothing is migrated, written, locked
 * or checkpointed. SQLite is opened read-only; each read is one short statement, because a snapshot
 * that is held open would stop the write-ahead log from being checkpointed.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from '../errors.ts';
import { CODE_VERSION, pendingMigrations, readMigrations, type SchemaRow } from './migrate.ts';
import type { Database } from './open.ts';
import { readActivity as readPostgresActivity } from './postgres/activity.ts';
import { readSums } from './postgres/history.ts';
import { callTimeline, listCalls } from './postgres/list.ts';
import { findCall } from './postgres/load.ts';
import { readSchema as readPostgresSchema } from './postgres/migrate.ts';
import { explain as postgresExplain } from './postgres/pg-errors.ts';
import { openPool } from './postgres/pool.ts';
import { readRecordings as readFromPostgres } from './postgres/recordings.ts';
import { readNow, readSetting } from './postgres/records.ts';
import { prepareActivity, readActivity } from './sqlite/activity.ts';
import { explain, isBusy, readSchema } from './sqlite/file.ts';
import { prepareFinder } from './sqlite/find.ts';
import { prepareSums } from './sqlite/history.ts';
import { listPage, prepareList } from './sqlite/list.ts';
import { prepareFind } from './sqlite/load.ts';
import { prepareRecordings, readRecordings } from './sqlite/recordings.ts';
import { prepareSetting } from './sqlite/records.ts';
import { refuseStaleLog } from './sqlite/stale-log.ts';
import type { Store } from './store.ts';

export type StoreReader = Pick<
  Store,
  'find' | 'timeline' | 'recordings' | 'list' | 'activity' | 'sums' | 'setting' | 'close'
> & {
  /** By the clock that dates calls, or later. */
  now(): Promise<number>;
};

/** Rejects with StoreUnavailable if there is nothing to read or this code cannot read it. */
export async function openReader(database: Database): Promise<StoreReader> {
  switch (database.kind) {
    case 'sqlite':
      return openSqliteReader(database.path);
    case 'postgres':
      return openPostgresReader(database.url);
  }
}

/** A checkpoint that restarts the log makes readers wait for a moment. */
const BUSY_TRIES = 20;
const BUSY_WAIT_MS = 25;

function openSqliteReader(path: string): StoreReader {
  if (!existsSync(path)) {
    throw new StoreUnavailable(
      'there is no such file; DATABASE_URL must name the database that the server uses',
      { where: path },
    );
  }
  refuseStaleLog(path);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    try {
      refuseOther('sqlite', readSchema(database, path), path);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw explain(error, path);
  }
  const parts = {
    find: prepareFind(database),
    list: prepareList(database),
    recordings: prepareRecordings(database, CODE_VERSION),
    finder: prepareFinder(database),
    sums: prepareSums(database),
    activity: prepareActivity(database),
    setting: prepareSetting(database),
    lastPing: database.prepare('select at from time_base'),
  };

  async function look<T>(read: (prepared: typeof parts) => T): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return read(parts);
      } catch (error) {
        if (!isBusy(error) || tries === BUSY_TRIES) throw explain(error, path);
        await setTimeout(BUSY_WAIT_MS);
      }
    }
  }

  /** The server's clock is ahead of ours after ours was set back; its last ping shows it. */
  const now = () => look(({ lastPing }) => Math.max(Date.now(), Number(lastPing.get()?.at ?? 0)));

  return {
    now,
    find: (callId) => look(({ find }) => find(callId)),
    timeline: (callId) => look(({ list }) => list.timeline(callId)),
    recordings: (callIds) => readRecordings(callIds, look),
    list: (filter) => listPage(filter, look),
    sums: (from, to) => look(({ sums }) => sums(from, to)),
    activity: (since, callsMax) => readActivity(look, now, since, callsMax),
    setting: (name) => look(({ setting }) => setting(name)),
    async close() {
      database.close();
    },
  };
}

/** Refuses tables that newer code has made unreadable for ours, and those of an older release. */
function refuseOther(kind: Database['kind'], schema: SchemaRow | null, where: string): void {
  if (pendingMigrations(readMigrations(kind), schema, CODE_VERSION, where).length > 0) {
    throw new StoreUnavailable(
      'its tables are of an older release; start the server once, it brings them up to date',
      { where },
    );
  }
}

async function openPostgresReader(url: string): Promise<StoreReader> {
  const pool = openPool(url);
  async function ask<T>(look: (query: typeof pool.query) => Promise<T>): Promise<T> {
    try {
      return await look(pool.query);
    } catch (error) {
      throw postgresExplain(error, pool.where);
    }
  }
  try {
    const schema = await ask((query) => readPostgresSchema(query, pool.where));
    if (schema === null) throw new StoreUnavailable('lacks our tables', { where: pool.where });
    refuseOther('postgres', schema, pool.where);
  } catch (error) {
    await pool.close();
    throw error;
  }
  return {
    now: () => ask((query) => readNow(query)),
    find: (callId) => ask((query) => findCall(query, callId)),
    timeline: (callId) => ask((query) => callTimeline(query, callId)),
    recordings: (callIds) => ask((query) => readFromPostgres(query, callIds, CODE_VERSION)),
    list: (filter) => ask((query) => listCalls(query, filter)),
    sums: (from, to) => ask((query) => readSums(query, from, to)),
    activity: (since, callsMax) => ask((query) => readPostgresActivity(query, since, callsMax)),
    setting: (name) => ask((query) => readSetting(query, name)),
    close: () => pool.close(),
  };
}
