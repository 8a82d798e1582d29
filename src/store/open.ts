/** Opens the store that DATABASE_URL names, migrated and ready for writes. */

import { CODE_VERSION } from './migrate.ts';
import { openPostgres } from './postgres/store.ts';
import { openSqlite } from './sqlite/store.ts';
import type { Clocks } from './sqlite/store-time.ts';
import type { Store, StoreNotice } from './store.ts';

export type Database = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string };

export interface StoreOptions {
  /** Tests play older and newer releases with it. */
  codeVersion?: number;
  /** PostgreSQL: how long a statement may take, and how long connecting may. */
  timeoutMs?: number;
  onNotice?: (notice: StoreNotice) => void;
  /** SQLite: tests set them. */
  clocks?: Clocks;
}

/**
 * Rejects with StoreUnavailable where the database cannot be used now: not there, of another program,
 * corrupt, or of a newer release. The caller may try again; the message says what to do.
 */
export function openStore(database: Database, options: StoreOptions = {}): Promise<Store> {
  const codeVersion = options.codeVersion ?? CODE_VERSION;
  switch (database.kind) {
    case 'sqlite':
      return openSqlite(database.path, codeVersion, options);
    case 'postgres':
      return openPostgres(database.url, codeVersion, options);
  }
}

/** The server's own store: if it is SQLite, no other process writes it. */
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
