/**
 * Backs up a PostgreSQL store with the server's own tools, which must be on the PATH and not older
 * than the server: https://www.postgresql.org/docs/current/app-pgdump.html
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { StoreUnavailable } from '../../errors.ts';
import { replacing } from '../rows/replacing.ts';
import { explain } from './pg-errors.ts';
import { placeOf } from './pool.ts';

/**
 * It describes only the present, and its transaction numbers are valid only on their server. The
 * heartbeats in `replicas` stay: what was missed since the last one is asked for after a restore.
 */
const LEFT_OUT = ['changes'];

export async function backUpPostgres(
  url: string,
  to: string,
  signal: AbortSignal,
): Promise<number> {
  return replacing({
    path: to,
    signal,
    async write(part) {
      const { calls, neighbours } = await look(url);
      if (calls === null) {
        throw new StoreUnavailable('it holds no calls of ours', { where: placeOf(url) });
      }
      const data = LEFT_OUT.map((table) => `--exclude-table-data=${table}`);
      // Not `--schema`: that would also create "public", which every database has.
      const others = neighbours.map((name) => `--exclude-schema="${name.replaceAll('"', '""')}"`);
      const args = ['--format=custom', ...data, ...others, `--file=${part}`];
      await tool({ name: 'pg_dump', args, url, signal });
      await tool({ name: 'pg_restore', args: ['--list', part], url, signal });
      return calls;
    },
  });
}

/** Restores into an empty database, all of it or nothing; returns how many calls it then holds. */
export async function restorePostgres(
  from: string,
  url: string,
  signal: AbortSignal,
): Promise<number> {
  if (!existsSync(from)) throw new StoreUnavailable('there is no such file', { where: from });
  const { calls, schema } = await look(url);
  if (calls !== null) {
    throw new StoreUnavailable(
      'it has tables of ours already; create an empty database and name it in DATABASE_URL',
      { where: placeOf(url) },
    );
  }
  const contents = await tool({ name: 'pg_restore', args: ['--list', from], url, signal });
  refuseOtherSchema(contents, schema, url);
  const folder = await mkdtemp(join(tmpdir(), 'referee-restore-'));
  try {
    // The schema is there already: the search path leads to it.
    const list = join(folder, 'list');
    const isSchema = ` SCHEMA - ${schema} `;
    await writeFile(
      list,
      lines(contents)
        .filter((line) => !line.includes(isSchema))
        .join('\n'),
    );
    const options = ['--no-owner', '--exit-on-error', '--single-transaction'];
    const args = [...options, `--use-list=${list}`, `--dbname=${withoutPassword(url)}`, from];
    await tool({ name: 'pg_restore', args, url, signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await analyze(url);
  return (await look(url)).calls ?? 0;
}

/**
 * A backup has no statistics. Until the server makes some, minutes later, lists of many calls would
 * take longer than they may.
 */
async function analyze(url: string): Promise<void> {
  await connected(url, (client) => client.query('analyze'));
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw explain(error, placeOf(url));
  } finally {
    await client.end();
  }
}

/** A server whose search path leads elsewhere would find an empty store, and make a new one. */
function refuseOtherSchema(contents: string, schema: string | null, url: string): void {
  const tables = lines(contents).flatMap((line) => / TABLE (.+) calls /.exec(line)?.[1] ?? []);
  if (tables.length === 0 || tables.some((name) => name === schema)) return;
  throw new StoreUnavailable(
    `the backup was made in the schema "${tables[0]}", and the user's search_path leads to ${schema === null ? 'none' : `"${schema}"`}: create that schema, and let search_path begin with it (alter role … set search_path = "${tables[0]}")`,
    { where: placeOf(url) },
  );
}

function lines(text: string): string[] {
  return text.split('\n');
}

interface Place {
  /** The number of calls, without B-legs, as lists count; null if there is no table of them. */
  calls: number | null;
  /** Where our tables are, or would be made; null if there is no such schema. */
  schema: string | null;
  /** Schemas of others in the same database. */
  neighbours: string[];
}

function look(url: string): Promise<Place> {
  return connected(url, async (client) => {
    const { rows } = await client.query(
      `select to_regclass('calls') is not null as found, current_schema() as schema,
         array(select nspname::text from pg_namespace where nspname <> current_schema()
           and nspname !~ '^pg_' and nspname <> 'information_schema') as neighbours`,
    );
    const { found, schema, neighbours } = rows[0];
    if (found !== true) return { calls: null, schema, neighbours };
    const counted = await client.query(
      'select count(*)::int as calls from call_filters where not leg',
    );
    return { calls: counted.rows[0]?.calls, schema, neighbours };
  });
}

interface Tool {
  name: 'pg_dump' | 'pg_restore';
  args: string[];
  url: string;
  signal: AbortSignal;
}

/** Resolves with what it printed. */
async function tool({ name, args, url, signal }: Tool): Promise<string> {
  const dump = name === 'pg_dump' ? [`--dbname=${withoutPassword(url)}`] : [];
  const password = passwordOf(url);
  // Not on the command line, where every user of the machine could read it.
  const env = { ...process.env, ...(password === '' ? {} : { PGPASSWORD: password }) };
  try {
    const { stdout } = await promisify(execFile)(name, [...dump, ...args], {
      env,
      maxBuffer: 64 * 1024 * 1024,
      signal,
    });
    return stdout;
  } catch (error) {
    signal.throwIfAborted();
    throw new StoreUnavailable(whyFailed(name, error), { where: placeOf(url), cause: error });
  }
}

function whyFailed(name: string, error: unknown): string {
  const { code, stderr = '' } = error as { code?: string | number; stderr?: string };
  if (code === 'ENOENT') {
    return `${name} is not on the PATH: install PostgreSQL's client tools, not older than the server`;
  }
  return `${name} failed: ${stderr.trim().split('\n').slice(-3).join(' ') || `exit code ${code}`}`;
}

/** Both places where a URL may have it; the parameter takes precedence, as for the server. */
function passwordOf(url: string): string {
  const { password, searchParams } = new URL(url);
  return searchParams.get('password') ?? decodeURIComponent(password);
}

function withoutPassword(url: string): string {
  const address = new URL(url);
  address.password = '';
  if (address.searchParams.has('password')) {
    address.searchParams.delete('password');
    // The tools take a plus sign as itself.
    address.search = address.search.replaceAll('+', '%20');
  }
  return address.href;
}
