/**
 * Opens the store that DATABASE_URL names, migrated and ready for writes. The code of the other
 * kind is not loaded.
 */
import { CODE_VERSION } from './migrate.ts';
import type { Clocks } from './sqlite/store-time.ts';
import type { Store, StoreNotice } from './store.ts';

export type Database = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string };

export interface StoreOptions {
  /** Tests use it to play older and newer releases. */
  codeVersion?: number;
  /** PostgreSQL: how long a statement and a connection attempt may take. */
  timeoutMs?: number;
  onNotice?: (notice: StoreNotice) => void;
  /** SQLite: set by tests. */
  clocks?: Clocks;
}

/**
 * Rejects with StoreUnavailable if the database cannot be used now: it is missing, corrupt, or
 * belongs to another program or a newer release. The caller may try again; the message says what to
 * do.
 */
export async function openStore(database: Database, options: StoreOptions = {}): Promise<Store> {
  const codeVersion = options.codeVersion ?? CODE_VERSION;
  switch (database.kind) {
    case 'sqlite': {
      const { openSqlite } = await import('./sqlite/store.ts');
      return openSqlite(database.path, codeVersion, options);
    }
    case 'postgres': {
      const { openPostgres } = await import('./postgres/store.ts');
      return openPostgres(database.url, codeVersion, options);
    }
  }
}

/** Opens the server's own store. No other process writes to it if it is SQLite. */
export async function openOwnStore(database: Database, options: StoreOptions): Promise<Store> {
  const store = await openStore(database, options);
  try {
    // Only this process writes an SQLite store, so leases of a previous process are void. Clearing
    // them also shows whether the file can be written; if not, opening is tried again.
    if (store.kind === 'sqlite') await store.releaseLeases(null);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
