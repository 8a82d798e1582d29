/** Brings the schema up to date, once, however many replicas start together. */
import { StoreUnavailable } from '../../errors.ts';
import { type Migration, pendingMigrations, readMigrations, type SchemaRow } from '../migrate.ts';
import type { PostgresPool, Query } from './pool.ts';

/** "REFE": any number will do, as long as every release uses the same one. */
const MIGRATION_LOCK = 0x52454645;
/** Building an index on a large table takes longer than a webhook may. */
const MIGRATION_MS = 60 * 60_000;
/** Not `::regnamespace`, which reads a name as SQL: "My-App" would have to be in quotes. */
const OUR_SCHEMA = '(select oid from pg_namespace where nspname = current_schema())';

export async function migratePostgres(pool: PostgresPool, codeVersion: number): Promise<void> {
  const migrations = readMigrations('postgres');
  const pending = (schema: SchemaRow | null) =>
    pendingMigrations(migrations, schema, codeVersion, pool.where);
  await refuseUnfit(pool.query, pool.where);
  // Checked without the lock first: mostly there is nothing to do.
  if (pending(await readSchema(pool.query, pool.where)).length > 0) await migrate();
  await refuseUnprivileged(pool.query, pool.where, migrations);

  async function migrate(): Promise<void> {
    await pool.transaction(async (query) => {
      await query(
        "set local statement_timeout = 0; set local lock_timeout = '20s'; set local idle_in_transaction_session_timeout = '60s'",
      );
      await query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      const schema = await readSchema(query, pool.where);
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
    }, MIGRATION_MS);
  }
}

/**
 * Null for an empty database; refuses the tables of another program, which may have the same names.
 */
export async function readSchema(query: Query, where: string): Promise<SchemaRow | null> {
  // Not to_regclass: its cache may not know a table that another replica has just created. Tables
  // that an extension created do not count.
  const relations = await query(
    `select relname as name, (select count(*)::int from pg_attribute
         where attrelid = c.oid and attname in ('version', 'oldest_code')) as columns
       from pg_class c
      where relnamespace = ${OUR_SCHEMA} and relkind in ('r', 'p', 'v', 'm', 'f')
        and not exists (select from pg_depend where objid = c.oid and deptype = 'e')
      order by relname <> 'schema', relname limit 1`,
  );
  const [first] = relations;
  if (first === undefined) return null;
  if (first.name !== 'schema' || first.columns !== 2) {
    throw new StoreUnavailable(
      `holds tables of another program (there is a table "${first.name}"): give Referee a database of its own (create database), or a schema of its own (the user's search_path)`,
      { where },
    );
  }
  const [row] = await query('select version, oldest_code from schema');
  return { version: Number(row?.version), oldestCode: Number(row?.oldest_code) };
}

/** A server that accepts the first calls and loses later ones must not be reported as ready. */
async function refuseUnfit(query: Query, where: string): Promise<void> {
  const [row] = await query(
    `select current_setting('server_version_num')::int / 10000 as version,
            current_setting('server_encoding') as encoding,
            current_setting('client_encoding') as client_encoding,
            pg_is_in_recovery() or current_setting('transaction_read_only')::bool as read_only`,
  );
  const unfit = unfitness({
    version: Number(row?.version),
    encoding: String(row?.encoding),
    clientEncoding: String(row?.client_encoding),
    readOnly: row?.read_only === true,
  });
  if (unfit !== null) throw new StoreUnavailable(unfit, { where });
}

/** Somebody else may have created the tables for us with too few privileges on one of them. */
async function refuseUnprivileged(
  query: Query,
  where: string,
  migrations: Migration[],
): Promise<void> {
  const names = migrations.flatMap(({ sql }) =>
    [...sql.matchAll(/^create table (\w+)/gm)].map(([, name]) => name),
  );
  const [row] = await query(
    `select relname as name from pg_class
      where relnamespace = ${OUR_SCHEMA} and relname = any ($1) and relname <> 'pulse'
        and not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
             and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))
      order by relname limit 1`,
    [names],
  );
  if (row === undefined) return;
  throw new StoreUnavailable(
    'does not give its user the rights it needs: grant select, insert, update, delete on all our tables to it, or let it own them',
    { where, said: `on the table "${row.name}"` },
  );
}

export interface ServerFacts {
  /** The major version. */
  version: number;
  encoding: string;
  /** Set by us, unless a pooler in between sets another. */
  clientEncoding: string;
  readOnly: boolean;
}

/** The oldest version that is tested. */
const SERVER_VERSION_MIN = 15;

/** Why this server cannot store calls, and what to do about it; null if it can. */
export function unfitness(facts: ServerFacts): string | null {
  const { version, encoding, clientEncoding, readOnly } = facts;
  if (version < SERVER_VERSION_MIN) {
    return `is version ${version}: PostgreSQL ${SERVER_VERSION_MIN} or newer is needed`;
  }
  if (encoding !== 'UTF8') {
    return `has the encoding ${encoding}, which cannot hold what callers and Telnyx write: create it with ENCODING 'UTF8' (create database referee encoding 'UTF8' template template0)`;
  }
  if (clientEncoding !== 'UTF8') {
    return `gives connections the client_encoding ${clientEncoding}: take that setting out of the pooler, the role and DATABASE_URL`;
  }
  return readOnly ? 'is read-only: DATABASE_URL must name the primary' : null;
}
