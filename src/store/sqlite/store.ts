/** The embedded store: one SQLite file, one connection, one transaction a batch. */
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from '../../errors.ts';
import { RecentRows } from '../rows/recent-rows.ts';
import { PING_FRESH_MS } from '../rows/rows.ts';
import type { ChangeFeed, CommitUnit, Store, StoreNotice } from '../store.ts';
import { prepareActivity, readActivity, type SqliteActivity } from './activity.ts';
import { prepareAudit, type SqliteAudit } from './audit.ts';
import { ChangeRing } from './change-ring.ts';
import { Checkpointer, copyLog } from './checkpointer.ts';
import { prepareCommit, type SqliteCommit } from './commit.ts';
import { explain, isBusy, openSqliteFile, spoilsConnection } from './file.ts';
import { finderOf, prepareFinder, type SqliteFinder } from './find.ts';
import { type Found, type HeldFile, holdFile, refuseStaleLog } from './held-file.ts';
import { prepareHistory, type SqliteHistory } from './history.ts';
import { listPage, prepareList, type SqliteList } from './list.ts';
import { prepareLoad, type SqliteLoad } from './load.ts';
import { prepareOthers } from './others.ts';
import { prepareOutbox, type SqliteOutbox } from './outbox.ts';
import { preparePruning, type SqlitePruning } from './pruning.ts';
import { preparePulse, type SqlitePulse } from './pulse.ts';
import { prepareRecordings, readRecordings, type SqliteRecordings } from './recordings.ts';
import { prepareRecords, type SqliteRecords } from './records.ts';
import { prepareRouteVersions, type SqliteRouteVersions } from './route-versions.ts';
import { type Clocks, StoreTime, systemClocks } from './store-time.ts';

/** Waits for another process's write, in all about half a second: a webhook has 1.5 s. */
const BUSY_WAITS_MS = [2, 5, 10, 20, 40, 80, 120, 200];

/** Connections to files that were overwritten: closing one would write its log over what lies there now. */
const abandoned: DatabaseSync[] = [];

export interface SqliteOptions {
  onNotice?: ((notice: StoreNotice) => void) | undefined;
  /** Tests set them. */
  clocks?: Clocks | undefined;
}

interface Connection {
  database: DatabaseSync;
  file: HeldFile;
  load: SqliteLoad;
  commit: SqliteCommit;
  outbox: SqliteOutbox;
  records: SqliteRecords;
  audit: SqliteAudit;
  versions: SqliteRouteVersions;
  pruning: SqlitePruning;
  history: SqliteHistory;
  pulse: SqlitePulse;
  list: SqliteList;
  recordings: SqliteRecordings;
  finder: SqliteFinder;
  activity: SqliteActivity;
}

export async function openSqlite(
  path: string,
  codeVersion: number,
  { onNotice = () => {}, clocks = systemClocks }: SqliteOptions = {},
): Promise<Store & ChangeFeed> {
  let connection: Connection | null = null;
  let time: StoreTime | null = null;
  let closed = false;
  let pingedAt = Number.NEGATIVE_INFINITY;
  /** What was wrong with the file at the last look. */
  let trouble: Found | null = null;
  let savingLog: Promise<void> | null = null;
  /** A log that begins anew begins with a stamp; see `refuseStaleLog`. */
  let stampDue = true;
  const ring = new ChangeRing();
  const checkpointer = new Checkpointer(path, {
    // Nothing is copied into a file that is not ours any more.
    connection: () => (look(true) === null ? connection : null),
    onCopied() {
      stampDue = true;
    },
  });

  /** Runs at once; asynchronous only where another process holds the file. */
  async function run<T>(work: (connection: Connection, time: StoreTime) => T): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      if (closed) throw new StoreUnavailable('the store is closed', { where: path });
      try {
        connection ??= connect(path, codeVersion);
        time ??= new StoreTime(clocks, connection.pulse.timeBase(), (stepMs, offMs) => {
          onNotice({ kind: 'clock_stepped', clock: 'system', stepMs, offMs });
        });
        return work(connection, time);
      } catch (error) {
        const wait = BUSY_WAITS_MS[tries];
        if (!isBusy(error) || wait === undefined) {
          const found = look(true);
          if (found !== null && found.kind !== 'log_gone')
            throw new StoreUnavailable(found.words, { where: path });
          if (spoilsConnection(error)) drop();
          throw explain(error, path);
        }
        await setTimeout(wait);
      }
    }
  }

  /** Resolves when what was written is in the file behind the path: a webhook may have its 200. */
  async function write<T>(
    work: (connection: Connection, time: StoreTime) => T,
    thoroughly = false,
  ): Promise<T> {
    // Looked at before as well where there was trouble: nothing more goes into a file that is lost.
    if (trouble !== null) await beThere(true);
    checkpointer.wrote();
    const result = await run((opened, clock) => {
      if (stampDue) opened.pulse.ping(clock.base());
      stampDue = false;
      return work(opened, clock);
    });
    await beThere(thoroughly);
    return result;
  }

  async function beThere(thoroughly: boolean): Promise<void> {
    const found = look(thoroughly);
    if (found === null) return;
    if (found.kind !== 'log_gone') throw new StoreUnavailable(found.words, { where: path });
    savingLog ??= saveLog(found).finally(() => {
      savingLog = null;
    });
    await savingLog;
  }

  function look(thoroughly: boolean): Found | null {
    if (connection === null) return null;
    // What was overwritten does not come back.
    if (trouble?.kind === 'overwritten') return trouble;
    trouble = connection.file.look(thoroughly);
    return trouble;
  }

  /**
   * The file is the right one, and all that its log held can still be read through our connection: it is copied
   * into the file, and a new log begun. Not while the checkpointer's thread has the old one open.
   */
  async function saveLog(found: Found): Promise<void> {
    await checkpointer.halt();
    if (connection === null) return;
    if (!copyLog(connection.database)) throw new StoreUnavailable(found.words, { where: path });
    drop();
    onNotice({ kind: 'log_saved', words: found.words });
  }

  function drop(): void {
    try {
      connection?.file.release();
      connection?.database.close();
    } catch {
      // It was of no use any more; the next call opens another.
    }
    connection = null;
    trouble = null;
    stampDue = true;
  }

  const store: Store & ChangeFeed = {
    kind: 'sqlite',
    load: (keys) => run(({ load }, time) => load.load(keys, time.now())),
    async commit(units, claim) {
      const committed = await write(({ commit }, time) => commit(units, claim, time.now()));
      if (committed.results.some((it, n) => it === 'committed' && isNew(units[n]))) time?.proven();
      ring.committed(units, committed.results);
      return committed;
    },
    takeUncounted: (limit) =>
      write(({ pruning }, time) => pruning.takeUncounted(limit, time.now())),
    claim: (claim, limit) => write(({ outbox }, time) => outbox.claim(claim, limit, time.now())),
    releaseLeases: (owner) => write(({ outbox }, time) => outbox.releaseLeases(owner, time.now())),

    async due(limit) {
      const found = await run(({ outbox }, time) => {
        const now = time.now();
        const due = outbox.due(limit, now);
        if (due.length === 0 && outbox.isIdle()) time.follow();
        return { now, due };
      });
      await beThere(false);
      return found;
    },

    find: (callId) => run(({ load }) => load.find(callId)),
    timeline: (callId) => run(({ list }) => list.timeline(callId)),
    recordings: (callIds) =>
      readRecordings(callIds, (some) => run(({ recordings }) => recordings.read(some))),

    list: (filter) =>
      listPage(
        filter,
        finderOf((work) => run(({ finder }) => work(finder))),
        (position, found, wanted) => run(({ list }) => list.chunk(filter, position, found, wanted)),
      ),

    activity: (since, callsMax) =>
      readActivity(
        (read) => run(({ activity }) => read(activity)),
        () => run((_, time) => time.now()),
        since,
        callsMax,
      ),

    changes: (after, limit) => ring.changes(after, limit),
    outbox: () => run(({ outbox }, time) => outbox.health(time.now())),
    deadLetter: (event, error, command) =>
      write(({ records }, time) => records.deadLetter(event, error, command, time.now())),
    deadLetters: (limit, before) => run(({ audit }) => audit.letters(limit, before)),
    findDeadLetter: (id) => run(({ audit }) => audit.letter(id)),
    dropDeadLetter: (id) => write(({ audit }) => audit.dropLetter(id)),
    outboxCommands: (limit) => run(({ audit }) => audit.commands(limit)),
    addAudit: (entry) => write(({ audit }, time) => audit.add(entry, time.now())),
    endAudit: (id, came) => write(({ audit }) => audit.end(id, came)),
    audit: (filter) => run(({ audit }) => audit.list(filter)),
    pruneAudit: (before, limit) => write(({ audit }) => audit.prune(before, limit)),
    setting: (name) => run(({ records }) => records.setting(name)),
    changeSetting: (name, change) =>
      write(({ records }, time) => {
        return records.changeSetting(name, (value) => change(value, time.now()));
      }),
    heartbeat: (replica) => write(({ records }, time) => records.heartbeat(replica, time.now())),
    replicas: () => run(({ records }) => records.replicas()),
    provenNow: () => run((_, time) => time.provenNow()),
    prune: (before, limit) => write(({ pruning }) => pruning.prune(before, limit)),
    keepRoutePart: (key, part, content) =>
      write(({ versions }, time) => versions.keepPart(key, part, content, time.now())),
    keepRouteVersion: (version, left) =>
      write(({ versions }, time) => versions.keep(version, left, time.now())),
    endRouteVersions: (role) => write(({ versions }, time) => versions.end(role, time.now())),
    routeVersions: (limit) => run(({ versions }) => versions.list(limit)),
    routeVersion: (hash) => run(({ versions }) => versions.find(hash)),
    routeFile: (key) => run(({ versions }) => versions.file(key)),
    pruneRouteVersions: (before, keep) =>
      write(({ versions }, time) => versions.prune(before, keep, time.now())),
    fold: (limit) => write(({ history }, time) => history.fold(limit, time.now())),
    sums: (from, to) => run(({ history }) => history.sums(from, to)),
    pruneSums: (before, limit) => write(({ history }) => history.pruneSums(before, limit)),

    async ping() {
      if (!closed && performance.now() - pingedAt < PING_FRESH_MS) return;
      await write(({ pulse }, time) => pulse.ping(time.base()), true);
      pingedAt = performance.now();
    },

    async close() {
      closed = true;
      await checkpointer.halt();
      checkpointer.close();
      if (connection !== null && look(true)?.kind === 'overwritten') {
        abandoned.push(connection.database);
        connection = null;
      }
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

function isNew(unit: CommitUnit | undefined): boolean {
  return unit?.changes.some(({ version }) => version === 0) ?? false;
}

function connect(path: string, codeVersion: number): Connection {
  refuseStaleLog(path);
  const database = openSqliteFile(path, codeVersion);
  try {
    return prepare(path, database, codeVersion);
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(path: string, database: DatabaseSync, codeVersion: number): Connection {
  const recent = new RecentRows();
  const history = prepareHistory(database, codeVersion);
  const clearIfOthersWrote = prepareOthers(database, recent);
  return {
    database,
    file: holdFile(path, database),
    load: prepareLoad(database, recent, clearIfOthersWrote, codeVersion),
    commit: prepareCommit(database, recent, clearIfOthersWrote, codeVersion),
    outbox: prepareOutbox(database, codeVersion),
    records: prepareRecords(database),
    audit: prepareAudit(database),
    versions: prepareRouteVersions(database),
    pruning: preparePruning(database, recent, codeVersion, history),
    history,
    pulse: preparePulse(database),
    list: prepareList(database),
    recordings: prepareRecordings(database, codeVersion),
    finder: prepareFinder(database),
    activity: prepareActivity(database),
  };
}
