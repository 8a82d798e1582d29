/** Brings the schema up to date, once however many replicas start together. */
import { pendingMigrations, readMigrations, type SchemaRow } from '../migrate.ts';
import type { PostgresPool, Query } from './pool.ts';

/** "REFE": any number will do, as long as every release takes the same. */
const MIGRATION_LOCK = 0x52454645;

export async function migratePostgres(pool: PostgresPool, codeVersion: number): Promise<void> {
  const migrations = readMigrations('postgres');
  const pending = (schema: SchemaRow | null) =>
    pendingMigrations(migrations, schema, codeVersion, pool.where);
  // Looked at first without the lock: mostly there is nothing to do.
  if (pending(await readSchema(pool.query)).length === 0) return;
  await pool.transaction(async (query) => {
    // Building an index on a large table takes longer than a webhook may.
    await query(
      "set local statement_timeout = 0; set local lock_timeout = '20s'; set local idle_in_transaction_session_timeout = '60s'",
    );
    await query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const schema = await readSchema(query);
    if (schema === null) {
      await query(
        `create table schema (version integer not null, oldest_code integer not null);
         insert into schema values (0, 0)`,
      );
    }
    for (const { version, oldestCode, sql } of pending(schema)) {
      await query(sql);
      await query('update schema set version = $1, oldest_code = greatest(oldest_code, $2)', [
        version,
        oldestCode,
      ]);
    }
  });
}

async function readSchema(query: Query): Promise<SchemaRow | null> {
  // Not to_regclass: its cache may not have heard yet of a table that another replica just made.
  const [found] = await query(
    "select exists (select from pg_class where relname = 'schema' and relnamespace = current_schema()::regnamespace) as there",
  );
  if (!found?.there) return null;
  const [row] = await query('select version, oldest_code from schema');
  return { version: Number(row?.version), oldestCode: Number(row?.oldest_code) };
}
