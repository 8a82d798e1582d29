/** The address of the server's database, for commands that only read it. */
import { withEnvFile } from '../../config/env-file.ts';
import { unquoted } from '../../config/values.ts';
import type { Io } from '../terminal/io.ts';

const DEFAULT_URL = 'sqlite:data/referee.db';

/** Checks only this setting, because reading needs neither key nor token. */
export function databaseUrl(io: Io): string {
  return unquoted(withEnvFile(io.env).DATABASE_URL ?? '') || DEFAULT_URL;
}
