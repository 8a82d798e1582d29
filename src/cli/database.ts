/** The database that the server uses, for commands that only read it. */
import { existsSync } from 'node:fs';
import { withEnvFile } from '../config/config.ts';
import { BadValue, parseDatabaseUrl, unquoted } from '../config/values.ts';
import type { Overrides } from '../core/rules/override.ts';
import { RefereeError } from '../errors.ts';
import { openReader } from '../store/reader.ts';
import type { Io } from './io.ts';

const DEFAULT_URL = 'sqlite:data/referee.db';

/** Only this setting, because reading needs neither key nor token. */
export function databaseUrl(io: Io): string {
  return unquoted(withEnvFile(io.env).DATABASE_URL ?? '') || DEFAULT_URL;
}

/** Overrides that operators have set on schedules; null if no server has run here. */
export async function readOverrides(io: Io): Promise<Overrides | null> {
  const url = databaseUrl(io);
  try {
    const database = parseDatabaseUrl(url);
    if (database.kind === 'sqlite' && !existsSync(database.path)) return null;
    const reader = await openReader(database);
    try {
      return ((await reader.setting('overrides')).value ?? {}) as Overrides;
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (!(error instanceof RefereeError || error instanceof BadValue)) throw error;
    io.stderr.write(`overrides of schedules are not considered: ${error.message}\n`);
    return null;
  }
}
