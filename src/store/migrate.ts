/**
 * Migrations are plain SQL files, `0001-first.sql` and on, applied in one transaction. The first
 * line of each, `-- oldest code: n`, names the oldest code that may use the database afterwards.
 * Only older code is refused, so a replica of the previous release keeps working during a rolling
 * upgrade and after a rollback. Expand first (add tables, and columns with defaults); contract a
 * release later, when no running code reads the old shape.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { StoreUnavailable } from '../errors.ts';

/**
 * Which stored rows this code understands. Raise it in a release that writes documents which the
 * previous release would misread; older code then leaves such rows to newer code.
 */
export const CODE_VERSION = 1;

export interface Migration {
  version: number;
  oldestCode: number;
  name: string;
  sql: string;
}

export interface SchemaRow {
  version: number;
  oldestCode: number;
}

export function readMigrations(kind: 'sqlite' | 'postgres'): Migration[] {
  const folder = new URL(`./migrations/${kind}/`, import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const sql = readFileSync(new URL(name, folder), 'utf8');
      const version = /^(\d{4})-/.exec(name)?.[1];
      const oldestCode = /^-- oldest code: (\d+)\n/.exec(sql)?.[1];
      if (version === undefined || oldestCode === undefined) {
        throw new Error(
          `migration ${name}: expected a name like 0002-what.sql and a first line like "-- oldest code: 1"`,
        );
      }
      return { version: Number(version), oldestCode: Number(oldestCode), name, sql };
    });
}

/**
 * The migrations that a database with this schema row (null: an empty one) still needs. Throws if a
 * newer release has made the database unusable for this code.
 */
export function pendingMigrations(
  migrations: Migration[],
  schema: SchemaRow | null,
  codeVersion: number,
  where: string,
): Migration[] {
  if (schema !== null && schema.oldestCode > codeVersion) {
    throw new StoreUnavailable(
      `schema ${schema.version} may be used by code version ${schema.oldestCode} and newer, this is version ${codeVersion}. Run the newer release of Referee, or restore a backup made before the upgrade`,
      { where },
    );
  }
  return migrations.filter((migration) => migration.version > (schema?.version ?? 0));
}
