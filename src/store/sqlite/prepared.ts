/** A connection to the file, with the statements of every part of the store prepared on it. */
import type { DatabaseSync } from 'node:sqlite';
import { RecentRows } from '../rows/recent-rows.ts';
import { prepareActivity, type SqliteActivity } from './activity.ts';
import { prepareAudit, type SqliteAudit } from './audit.ts';
import { prepareCommit, type SqliteCommit } from './commit.ts';
import { prepareDeadLetters, type SqliteDeadLetters } from './dead-letters.ts';
import { openSqliteFile } from './file.ts';
import { prepareFinder, type SqliteFinder } from './find.ts';
import { type HeldFile, holdFile } from './held-file.ts';
import { prepareHistory, type SqliteHistory } from './history.ts';
import { prepareList, type SqliteList } from './list.ts';
import { prepareLoad, type SqliteLoad } from './load.ts';
import { prepareOthers } from './others.ts';
import { prepareOutbox, type SqliteOutbox } from './outbox.ts';
import { type Prune, preparePruning } from './pruning.ts';
import { preparePulse, type SqlitePulse } from './pulse.ts';
import { prepareRecordings, type SqliteRecordings } from './recordings.ts';
import { prepareRecords, type SqliteRecords } from './records.ts';
import { prepareRouteVersions, type SqliteRouteVersions } from './route-versions.ts';
import { refuseStaleLog } from './stale-log.ts';
import { prepareUncounted, type TakeUncounted } from './uncounted.ts';

export interface Prepared {
  database: DatabaseSync;
  file: HeldFile;
  load: SqliteLoad;
  commit: SqliteCommit;
  outbox: SqliteOutbox;
  records: SqliteRecords;
  letters: SqliteDeadLetters;
  audit: SqliteAudit;
  versions: SqliteRouteVersions;
  takeUncounted: TakeUncounted;
  prune: Prune;
  history: SqliteHistory;
  pulse: SqlitePulse;
  list: SqliteList;
  recordings: SqliteRecordings;
  finder: SqliteFinder;
  activity: SqliteActivity;
}

export function connect(path: string, codeVersion: number): Prepared {
  refuseStaleLog(path);
  const database = openSqliteFile(path, codeVersion);
  try {
    return prepare(path, database, codeVersion);
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(path: string, database: DatabaseSync, codeVersion: number): Prepared {
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
    letters: prepareDeadLetters(database),
    audit: prepareAudit(database),
    versions: prepareRouteVersions(database),
    takeUncounted: prepareUncounted(database, codeVersion),
    prune: preparePruning(database, recent, codeVersion, history),
    history,
    pulse: preparePulse(database),
    list: prepareList(database),
    recordings: prepareRecordings(database, codeVersion),
    finder: prepareFinder(database),
    activity: prepareActivity(database),
  };
}
