/**
 * Backs up a PostgreSQL store with the server's own tools, which must be on the PATH and not older
 * than the server: https://www.postgresql.org/docs/current/app-pgdump.html
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import pg from 'pg';
import { StoreUnavailable } from '../../errors.ts';
import { replacing } from '../rows/replacing.ts';
import { explain } from './pool.ts';

/**
 * They describe only the present, and the transaction numbers in `changes` are valid only on their
 * server.
 */
const LEFT_OUT = ['changes', 'replicas'];

export async function backUpPostgres(
  url: string,
  to: string,
  signal: AbortSignal,
): Promise<number> {
  return replacing({
    path: to,
    signal,
    async write(part) {
      const calls = await countCalls(url);
      if (calls === null) {
        throw new StoreUnavailable('it holds no calls of ours', { where: place(url) });
      }
      const data = LEFT_OUT.map((table) => `--exclude-table-data=${table}`);
      const args = ['--format=custom', ...data, `--file=${part}`];
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
  if ((await countCalls(url)) !== null) {
    throw new StoreUnavailable(
      'it has tables of ours already; create an empty database and name it in DATABASE_URL',
      { where: place(url) },
    );
  }
  const options = ['--no-owner', '--exit-on-error', '--single-transaction'];
  const args = [...options, `--dbname=${withoutPassword(url)}`, from];
  await tool({ name: 'pg_restore', args, url, signal });
  return (await countCalls(url)) ?? 0;
}

/** Null if there is no table of calls. */
async function countCalls(url: string): Promise<number | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    const { rows } = await client.query("select to_regclass('calls') is not null as found");
    if (rows[0]?.found !== true) return null;
    const counted = await client.query('select count(*)::int as calls from calls');
    return counted.rows[0]?.calls;
  } catch (error) {
    throw explain(error, place(url));
  } finally {
    await client.end();
  }
}

interface Tool {
  name: 'pg_dump' | 'pg_restore';
  args: string[];
  url: string;
  signal: AbortSignal;
}

async function tool({ name, args, url, signal }: Tool): Promise<void> {
  const dump = name === 'pg_dump' ? [`--dbname=${withoutPassword(url)}`] : [];
  const password = passwordOf(url);
  // Not on the command line, where every user of the machine could read it.
  const env = { ...process.env, ...(password === '' ? {} : { PGPASSWORD: password }) };
  try {
    await promisify(execFile)(name, [...dump, ...args], {
      env,
      maxBuffer: 64 * 1024 * 1024,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new StoreUnavailable(whyFailed(name, error), { where: place(url), cause: error });
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

function place(url: string): string {
  const { host, pathname } = new URL(url);
  return `PostgreSQL ${host}${pathname}`;
}
