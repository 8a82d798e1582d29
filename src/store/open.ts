/** Opens the store that DATABASE_URL names, migrated and ready for writes. */
import { CODE_VERSION } from './migrate.ts';
import { openPostgres } from './postgres/store.ts';
import { openSqlite } from './sqlite/store.ts';
import type { Clocks } from './sqlite/store-time.ts';
import type { ChangeFeed, Store, StoreNotice } from './store.ts';

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
export function openStore(
  database: Database,
  options: StoreOptions = {},
): Promise<Store & ChangeFeed> {
  const codeVersion = options.codeVersion ?? CODE_VERSION;
  switch (database.kind) {
    case 'sqlite':
      return openSqlite(database.path, codeVersion, options);
    case 'postgres':
      return openPostgres(database.url, codeVersion, options);
  }
}
