/** Opens the store that DATABASE_URL names, migrated and ready for writes. */
import { CODE_VERSION } from './migrate.ts';
import { openPostgres } from './postgres/store.ts';
import { openSqlite } from './sqlite/store.ts';
import type { ChangeFeed, Store } from './store.ts';

export type Database = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string };

export interface StoreOptions {
  /** Tests play older and newer releases with it. */
  codeVersion?: number;
  /** PostgreSQL: how long a statement may take, and how long connecting may. */
  timeoutMs?: number;
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
      return openSqlite(database.path, codeVersion);
    case 'postgres':
      return openPostgres(database.url, codeVersion, options.timeoutMs);
  }
}
