/** The embedded store: one SQLite file, one connection, one transaction a batch. */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from '../../errors.ts';
import { BudgetTotals } from '../budget-totals.ts';
import { createGroups } from '../rows/activity.ts';
import { FIRST, type Position } from '../rows/cursor.ts';
import { RecentRows } from '../rows/recent-rows.ts';
import { PING_FRESH_MS } from '../rows/rows.ts';
import type { ChangeFeed, Store } from '../store.ts';
import { ACTIVITY_CHUNK_CALLS, prepareActivity, type SqliteActivity } from './activity.ts';
import { ChangeRing } from './change-ring.ts';
import { Checkpointer } from './checkpointer.ts';
import { prepareCommit, type SqliteCommit } from './commit.ts';
import { explain, isBusy, openSqliteFile, spoilsConnection } from './file.ts';
import { listPage, prepareList, type SqliteList } from './list.ts';
import { prepareLoad, type SqliteLoad } from './load.ts';
import { prepareOthers } from './others.ts';
import { prepareOutbox, type SqliteOutbox } from './outbox.ts';
import { prepareRecords, type SqliteRecords } from './records.ts';

/** Waits for another process's write, in all about half a second: a webhook has 1.5 s. */
const BUSY_WAITS_MS = [2, 5, 10, 20, 40, 80, 120, 200];

interface Connection {
  database: DatabaseSync;
  load: SqliteLoad;
  commit: SqliteCommit;
  outbox: SqliteOutbox;
  records: SqliteRecords;
  list: SqliteList;
  activity: SqliteActivity;
}

export async function openSqlite(path: string, codeVersion: number): Promise<Store & ChangeFeed> {
  let connection: Connection | null = null;
  let closed = false;
  let pingedAt = Number.NEGATIVE_INFINITY;
  const ring = new ChangeRing();
  const totals = new BudgetTotals();
  const checkpointer = new Checkpointer(path, () => connection?.database ?? null);

  /** Runs at once; asynchronous only where another process holds the file. */
  async function run<T>(work: (connection: Connection) => T): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      if (closed) throw new StoreUnavailable('the store is closed', { where: path });
      try {
        connection ??= connect(path, totals, codeVersion);
        return work(connection);
      } catch (error) {
        const wait = BUSY_WAITS_MS[tries];
        if (!isBusy(error) || wait === undefined) {
          if (spoilsConnection(error)) drop();
          throw explain(error, path);
        }
        await setTimeout(wait);
      }
    }
  }

  function write<T>(work: (connection: Connection) => T): Promise<T> {
    checkpointer.wrote();
    return run(work);
  }

  function drop(): void {
    try {
      connection?.database.close();
    } catch {
      // It was of no use any more; the next call opens another.
    }
    connection = null;
  }

  const store: Store & ChangeFeed = {
    kind: 'sqlite',
    loadsAhead: false,
    load: (keys) => run(({ load }) => load.load(keys, Date.now())),
    async commit(units, claim) {
      const committed = await write(({ commit }) => commit(units, claim, Date.now()));
      ring.committed(units, committed.results);
      totals.committed(units, committed.results);
      return committed;
    },
    takeUncounted: (limit) => write(({ records }) => records.takeUncounted(limit, Date.now())),
    claim: (claim, limit) => write(({ outbox }) => outbox.claim(claim, limit, Date.now())),
    releaseLeases: (owner) => write(({ outbox }) => outbox.releaseLeases(owner, Date.now())),
    due: (limit) => run(({ outbox }) => outbox.due(limit, Date.now())),
    find: (callId) => run(({ load }) => load.find(callId)),
    timeline: (callId) => run(({ list }) => list.timeline(callId)),

    list: (filter) =>
      listPage(filter, (position) => run(({ list }) => list.chunk(filter, position))),

    async activity(since, callsMax) {
      const groups = createGroups();
      const from = Math.round(since);
      let position: Position | null = FIRST;
      let reached = from;
      for (let left = callsMax; left > 0 && position !== null; left -= ACTIVITY_CHUNK_CALLS) {
        const before: Position = position;
        const limit = Math.min(left, ACTIVITY_CHUNK_CALLS);
        position = await run(({ activity }) => activity.chunk(groups, from, before, limit));
        reached = position?.createdAt ?? from;
        await setImmediate();
      }
      return {
        now: Date.now(),
        since: reached,
        live: await run(({ activity }) => activity.live()),
        calls: groups.calls(),
        attempts: groups.attempts(),
      };
    },

    changes: (after, limit) => ring.changes(after, limit),
    outbox: () => run(({ outbox }) => outbox.health(Date.now())),
    deadLetter: (event, error, command) =>
      write(({ records }) => records.deadLetter(event, error, command, Date.now())),
    setting: (name) => run(({ records }) => records.setting(name)),
    changeSetting: (name, change) => write(({ records }) => records.changeSetting(name, change)),
    heartbeat: (replica) => write(({ records }) => records.heartbeat(replica, Date.now())),
    replicas: () => run(({ records }) => records.replicas()),
    prune: (before, limit) => write(({ records }) => records.prune(before, limit)),

    async ping() {
      if (!closed && performance.now() - pingedAt < PING_FRESH_MS) return;
      await write(({ records }) => records.ping(Date.now()));
      pingedAt = performance.now();
    },

    async close() {
      closed = true;
      await checkpointer.close();
      drop();
    },
  };

  try {
    await run(() => undefined);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

function connect(path: string, totals: BudgetTotals, codeVersion: number): Connection {
  const database = openSqliteFile(path, codeVersion);
  const recent = new RecentRows();
  const heedOthers = prepareOthers(database, recent);
  return {
    database,
    load: prepareLoad(database, recent, heedOthers, totals, codeVersion),
    commit: prepareCommit(database, recent, heedOthers, codeVersion),
    outbox: prepareOutbox(database, codeVersion),
    records: prepareRecords(database, recent, codeVersion),
    list: prepareList(database),
    activity: prepareActivity(database),
  };
}
