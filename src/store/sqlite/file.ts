/** Opens and migrates one connection to an SQLite file, and explains its errors. */
import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { pendingMigrations, readMigrations, type SchemaRow } from '../migrate.ts';
import { inTransaction } from './transaction.ts';

/** "REFE": distinguishes our files from those of other programs. */
const APPLICATION_ID = 0x52454645;
/** Memory for pages, as negative KiB. */
const CACHE_KIB = -16_000;
/** The size that the write-ahead log's file is cut to when the log restarts. */
const LOG_BYTES_KEPT = 64 * 1024 * 1024;

export function openSqliteFile(path: string, codeVersion: number): DatabaseSync {
  makeFolderOf(path);
  let database: DatabaseSync | undefined;
  try {
    // timeout 0: a busy wait would block the event loop; the store waits asynchronously instead.
    database = new DatabaseSync(path, { timeout: 0 });
    migrate(database, path, codeVersion);
    // FULL: a commit is on the disk before its webhook gets 200. Checkpoints are left to the
    // checkpointer.
    database.exec(`
      pragma synchronous = full;
      pragma wal_autocheckpoint = 0;
      pragma journal_size_limit = ${LOG_BYTES_KEPT};
      pragma cache_size = ${CACHE_KIB};
      pragma temp_store = memory;
    `);
    stampFirst(database);
    return database;
  } catch (error) {
    database?.close();
    throw error;
  }
}

export function makeFolderOf(path: string): void {
  try {
    makeFolder(dirname(path));
  } catch (error) {
    throw new StoreUnavailable(
      'its folder cannot be made; make it, or name another file in DATABASE_URL',
      { where: path, said: (error as Error).message, cause: error },
    );
  }
}

/**
 * Gives a new file the stamp that it is recognized by, in the file itself and not only in its log;
 * see file-header.ts. Each file starts from a random stamp, so that a backup of another file does not
 * match by chance.
 */
function stampFirst(database: DatabaseSync): void {
  if (database.prepare('pragma user_version').get()?.user_version !== 0) return;
  database.exec(`pragma user_version = ${randomInt(1, 1e9)}; pragma wal_checkpoint(passive)`);
}

function migrate(database: DatabaseSync, path: string, codeVersion: number): void {
  // First, so that another program's file is left alone.
  readSchema(database, path);
  const mode = database.prepare('pragma journal_mode = wal').get()?.journal_mode;
  if (mode !== 'wal') {
    throw new StoreUnavailable(
      `write-ahead logging cannot be switched on (mode is ${mode}); the folder must be writable and on a local disk`,
      { where: path },
    );
  }
  const migrations = readMigrations('sqlite');
  if (pendingMigrations(migrations, readSchema(database, path), codeVersion, path).length === 0) {
    return;
  }
  inTransaction(database, () => {
    // Again, now that nobody else can write: another process may have migrated meanwhile.
    const schema = readSchema(database, path);
    if (schema === null) {
      database.exec(
        `pragma application_id = ${APPLICATION_ID};
         create table schema (version integer not null, oldest_code integer not null) strict;
         insert into schema values (0, 0);`,
      );
    }
    const move = database.prepare(
      'update schema set version = ?, oldest_code = max(oldest_code, ?)',
    );
    for (const migration of pendingMigrations(migrations, schema, codeVersion, path)) {
      database.exec(migration.sql);
      move.run(migration.version, migration.oldestCode);
    }
  });
}

export function readSchema(database: DatabaseSync, path: string): SchemaRow | null {
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' order by name = 'schema' desc")
    .all();
  if (tables.length === 0) return null;
  const application = database.prepare('pragma application_id').get()?.application_id;
  if (tables[0]?.name !== 'schema' || application !== APPLICATION_ID) {
    throw new StoreUnavailable(
      `an SQLite file of another program (it has a table "${tables[0]?.name}"); name another file`,
      { where: path },
    );
  }
  const row = database.prepare('select version, oldest_code from schema').get();
  return { version: Number(row?.version), oldestCode: Number(row?.oldest_code) };
}

/**
 * https://www.sqlite.org/rescode.html: primary result codes that are about the file, not about our
 * code. The file is the server's own.
 */
const MEANINGS = new Map<number, string>([
  [5, 'busy: another process writes to it'],
  [6, 'locked'],
  [8, 'read-only: check the mount and the permissions of the file and its folder'],
  [10, 'the disk failed to read or write'],
  [11, 'corrupt: restore a backup (docs/operations.md)'],
  [13, 'the disk is full'],
  [14, 'cannot be opened: it must be a file, in a folder this user may write to'],
  [23, 'access denied'],
  [26, 'not an SQLite database: name another file in DATABASE_URL, or restore a backup'],
]);

const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const READ_FAILED = 10;
const CANNOT_OPEN = 14;
const NEVER_THROWS = { throwIfNoEntry: false } as const;

export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** What is wrong with a backup. Of the server's own file `explain` says: restore a backup. */
export function damageOf(error: unknown): string | null {
  const code = primaryCode(error);
  if (code === CORRUPT) return DAMAGED;
  return code === NOT_A_DATABASE ? 'not an SQLite database' : null;
}

export const DAMAGED = 'it is damaged';

/** After these errors the connection cannot be trusted, and the next call opens a new one. */
export function spoilsConnection(error: unknown): boolean {
  const code = primaryCode(error);
  return code !== null && MEANINGS.has(code) && !isBusy(error);
}

/** An error of the file becomes StoreUnavailable; an error of our own code stays what it is. */
export function explain(error: unknown, path: string): unknown {
  const code = primaryCode(error);
  // To a reader, a folder opens and then cannot be read.
  const isFolder = code === READ_FAILED && statSync(path, NEVER_THROWS)?.isDirectory();
  const meaning = code === null ? undefined : MEANINGS.get(isFolder ? CANNOT_OPEN : code);
  if (meaning === undefined) return error;
  return new StoreUnavailable(meaning, {
    where: path,
    said: (error as Error).message,
    cause: error,
  });
}

function primaryCode(error: unknown): number | null {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : null;
  return typeof code === 'number' ? code & 0xff : null;
}
