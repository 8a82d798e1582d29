/** The commands in docs/operations.md, unchanged, on a store with calls. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, anEntry, aUnit } from '../helpers/documents.ts';
import { freshDatabase } from '../helpers/postgres.ts';

const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

function command(name: string): string {
  const found = new RegExp(`<!-- tested: ${name} -->\n\`\`\`sh\n([\\s\\S]+?)\`\`\``).exec(
    text,
  )?.[1];
  if (found === undefined) throw new Error(`docs/operations.md has no command "${name}"`);
  // This checkout stands for the installed package.
  return found.replaceAll(
    'npx referee',
    `node ${join(import.meta.dirname, '../../bin/referee.js')}`,
  );
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-operations-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function run(name: string, env: Record<string, string> = {}): string {
  // The Node that runs the tests, even if another one is first on PATH.
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const options = { cwd: folder, env: { ...env, PATH }, stdio: 'pipe', encoding: 'utf8' } as const;
  return execFileSync('sh', ['-ec', command(name)], options);
}

async function fill(store: Store, count: number): Promise<void> {
  const units = Array.from({ length: count }, (_, n) =>
    aUnit(aCall(`call ${n}`), 0, { events: [anEntry(`event ${n}`)] }),
  );
  expect(new Set((await store.commit(units, null)).results)).toEqual(new Set(['committed']));
  await store.heartbeat({ id: 'old', startedAt: 1, routeSet: 'hash', refusal: null });
}

async function isWhole(store: Store, count: number): Promise<void> {
  for (const n of [0, count - 1]) {
    expect((await store.find(`call ${n}`))?.call.id).toBe(`call ${n}`);
    expect(await store.timeline(`call ${n}`)).toHaveLength(1);
  }
  // When the last server was there: since then Telnyx is asked for what was missed.
  expect((await store.replicas()).map(({ id }) => id)).toEqual(['old']);
  expect((await store.commit([aUnit(aCall('a new one'), 0)], null)).results).toEqual(['committed']);
  const { cursor } = await store.changes(null, 10);
  expect((await store.commit([aUnit(aCall('and one'), 0)], null)).results).toEqual(['committed']);
  await expect.poll(async () => (await store.changes(cursor, 10)).callIds).toEqual(['and one']);
}

// Each command starts a process, which takes long on a busy machine.
test('SQLite: a backup of the running store, restored', { timeout: 120_000 }, async () => {
  mkdirSync(join(folder, 'data'));
  const database = { kind: 'sqlite', path: join(folder, 'data/referee.db') } as const;
  const store = await openStore(database);
  await fill(store, 50);
  run('sqlite backup');
  // What is written after the backup is lost.
  await store.commit([aUnit(aCall('later'), 0)], null);
  await store.close();
  run('sqlite restore');
  const restored = await openStore(database);
  await isWhole(restored, 50);
  expect(await restored.find('later')).toBeNull();
  await restored.close();
  rmSync(database.path);
});

async function pgDumpFits(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ server_version_num: string }>('show server_version_num');
  await client.end();
  try {
    const tool = /\) (\d+)/.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' }))?.[1];
    return Number(tool) >= Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  } catch {
    return false;
  }
}

test('PostgreSQL: a backup, restored into an empty database', { timeout: 120_000 }, async ({
  skip,
}) => {
  const [database, empty] = await Promise.all([freshDatabase(), freshDatabase()]);
  try {
    skip(!(await pgDumpFits(database.url)), 'pg_dump is not there, or older than the server');
    const store = await openStore({ kind: 'postgres', url: database.url });
    await fill(store, 50);
    run('postgres backup', { DATABASE_URL: database.url });
    await store.close();
    run('postgres restore', { DATABASE_URL: empty.url });
    const restored = await openStore({ kind: 'postgres', url: empty.url });
    await isWhole(restored, 50);
    await restored.close();
  } finally {
    await Promise.all([database.drop(), empty.drop()]);
  }
});
