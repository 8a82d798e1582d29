/** Backs up an SQLite store while a server uses it, and restores it. */
import { createReadStream, createWriteStream, existsSync, rmSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { StoreUnavailable } from '../../errors.ts';
import { CODE_VERSION, pendingMigrations, readMigrations } from '../migrate.ts';
import { isSameFile, replacing } from '../rows/replacing.ts';
import { DAMAGED, damageOf, explain, isBusy, makeFolderOf, readSchema } from './file.ts';
import { hasStaleLog, refuseStaleLog } from './stale-log.ts';

/** A writer locks the file for milliseconds. */
const BUSY_MS = 5_000;
/** Copied at a time, about 4 MB; a signal can stop it in between. */
const PAGES_AT_ONCE = 1_000;

/**
 * Writes a complete copy to `to` and returns how many calls are in it. An earlier file at `to` is
 * replaced only after the new backup was read back and found intact; after a failure nothing is
 * left behind.
 */
export async function backUpSqlite(path: string, to: string, signal: AbortSignal): Promise<number> {
  if (!existsSync(path)) throw new StoreUnavailable('there is no such file', { where: path });
  if (isSameFile(path, to)) {
    throw new StoreUnavailable('this is the database itself; name another file', { where: to });
  }
  return replacing({
    path: to,
    signal,
    async write(part) {
      refuseStaleLog(path);
      const database = openExisting(path);
      try {
        // A copy is of one moment: in a transaction that reads, what others write is not seen.
        database.exec('begin');
        callsIn(database, path);
        await backup(database, part, {
          rate: PAGES_AT_ONCE,
          progress: () => signal.throwIfAborted(),
        });
      } catch (error) {
        throw explain(error, part);
      } finally {
        database.close();
      }
      inOneFile(part);
      return checkBackup(part);
    },
  });
}

/** A copy of a file in WAL mode is in WAL mode, so even reading it would leave files beside it. */
function inOneFile(part: string): void {
  const copy = openExisting(part);
  try {
    copy.exec('pragma journal_mode = delete');
  } finally {
    copy.close();
  }
}

/** Reads the whole backup; returns how many calls are in it. */
export function checkBackup(path: string): number {
  if (!existsSync(path)) throw new StoreUnavailable('there is no such file', { where: path });
  refuseStaleLog(path);
  const database = openExisting(path);
  try {
    const calls = callsIn(database, path);
    const [row] = database.prepare('pragma integrity_check(1)').all();
    if (row?.integrity_check === 'ok') return calls;
    throw new StoreUnavailable(DAMAGED, { where: path, said: String(row?.integrity_check) });
  } catch (error) {
    const cause = error instanceof StoreUnavailable ? error.cause : error;
    const damage = damageOf(cause);
    if (damage === null) throw explain(error, path);
    throw new StoreUnavailable(damage, { where: path, said: (cause as Error).message, cause });
  } finally {
    database.close();
  }
}

/**
 * Replaces the database with a backup. The write-ahead log of the old database is removed with it,
 * because SQLite would apply it to whatever file it lies beside.
 */
export async function restoreSqlite(
  from: string,
  path: string,
  signal: AbortSignal,
): Promise<number> {
  refuseItself(from, path);
  const calls = checkBackup(from);
  // Part of the data is in the log of whoever has it open, and only the file is copied.
  refuseInUse(from, 'a server is using it, so it is no backup: make one with referee backup');
  refuseInUse(path, IN_USE);
  // On a new machine no server has made it yet.
  makeFolderOf(path);
  return replacing({
    path,
    signal,
    async write(part) {
      await pipeline(createReadStream(from), createWriteStream(part), { signal });
      return calls;
    },
    beforehand(place) {
      // Again, because a server may have started during the copy.
      refuseInUse(path, IN_USE);
      for (const end of ['-wal', '-shm']) rmSync(`${place}${end}`, { force: true });
    },
  });
}

/** The question and the report would be about a restore that does not change anything. */
export function refuseItself(from: string, path: string): void {
  if (!isSameFile(from, path)) return;
  throw new StoreUnavailable('this is the database itself; name a backup of it', { where: from });
}

/** A server whose file is replaced stores nothing more until it is restarted. */
const IN_USE = 'a server is using it: stop the server, then restore';

function refuseInUse(path: string, why: string): void {
  // Opening a file beside a stale log would write that log over it.
  if (!existsSync(path) || hasStaleLog(path)) return;
  let database: DatabaseSync | undefined;
  try {
    database = openExisting(path, 0);
    // In this mode the first read locks the file, which fails if anybody else has it open.
    database.exec('pragma locking_mode = exclusive; begin immediate; rollback');
  } catch (error) {
    // A damaged database may be replaced: that is what backups are for.
    if (!isBusy(error)) return;
    throw new StoreUnavailable(why, { where: path, cause: error });
  } finally {
    database?.close();
  }
}

/** `mode=rw`: never creates a missing file. */
function openExisting(path: string, timeout: number = BUSY_MS): DatabaseSync {
  try {
    return new DatabaseSync(new URL(`${pathToFileURL(path)}?mode=rw`), { timeout });
  } catch (error) {
    throw explain(error, path);
  }
}

/**
 * As lists count them, without the B-legs of transfers. Refuses a file of another program, and one
 * that needs a newer release.
 */
function callsIn(database: DatabaseSync, path: string): number {
  try {
    const schema = readSchema(database, path);
    pendingMigrations(readMigrations('sqlite'), schema, CODE_VERSION, path);
    if (schema === null) throw new StoreUnavailable('it is empty', { where: path });
    return Number(
      database.prepare('select count(*) as calls from calls where leg = 0').get()?.calls,
    );
  } catch (error) {
    throw explain(error, path);
  }
}
