/** Copies of what a store holds, by the kind of database. */
import type { Database } from './open.ts';
import { backUpPostgres, restorePostgres } from './postgres/backup.ts';
import { backUpSqlite, checkBackup, refuseItself, restoreSqlite } from './sqlite/backup.ts';

/**
 * Returns how many calls the backup holds, without the B-legs of transfers. Rejects with StoreUnavailable if none could be made, and
 * with the signal's reason if it was stopped; then nothing is left behind, and an earlier backup at
 * `to` stays.
 */
export async function backUp(database: Database, to: string, signal: AbortSignal): Promise<number> {
  return database.kind === 'sqlite'
    ? backUpSqlite(database.path, to, signal)
    : backUpPostgres(database.url, to, signal);
}

/**
 * Returns how many calls the database now holds. Rejects as `backUp` does, having changed nothing.
 */
export async function restore(
  from: string,
  database: Database,
  signal: AbortSignal,
): Promise<number> {
  return database.kind === 'sqlite'
    ? restoreSqlite(from, database.path, signal)
    : restorePostgres(from, database.url, signal);
}

/**
 * How many calls a backup of an SQLite store holds; null for PostgreSQL, whose own tool checks it.
 * Throws if it is the database itself.
 */
export function callsInBackup(from: string, database: Database): number | null {
  if (database.kind !== 'sqlite') return null;
  refuseItself(from, database.path);
  return checkBackup(from);
}
