/** The start of the real server where something is in its way: it ends with words, or waits and recovers. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { asAdmin, freshDatabase, type TestDatabase } from '../helpers/postgres.ts';
import { type PostgresServer, startOwnPostgres } from '../helpers/postgres-server.ts';
import { ADMIN_TOKEN, eventually, START_MS } from '../helpers/referee-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REFEREE = join(ROOT, 'bin/referee.js');
const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const PUBLIC_KEY = Buffer.from(x, 'base64url').toString('base64');

const servers: PostgresServer[] = [];
const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const { drop } of databases) await drop();
  for (const server of servers) await server.stop();
});

interface Started {
  child: ChildProcess;
  folder: string;
  port: number;
  output: () => string;
  /** Exit code, or the signal's name. */
  exited: () => Promise<number | string | null>;
  ready: () => Promise<{ status: number; text: string }>;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-start-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'routes'));
  writeFileSync(join(folder, 'routes/main.yaml'), 'otherwise: [ignore]\n');
  return folder;
}

async function start(
  env: Record<string, string>,
  {
    folder,
    command = [process.execPath, REFEREE, 'serve'],
    uid,
    cwd,
  }: { folder?: string; command?: string[]; uid?: number; cwd?: string } = {},
): Promise<Started> {
  const place = folder ?? (await newFolder());
  const port = await freePort();
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd: cwd ?? place,
    ...(uid === undefined ? {} : { uid, gid: uid }),
    env: {
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
      TELNYX_PUBLIC_KEY: PUBLIC_KEY,
      TELNYX_API_KEY: 'KEY_starting_test',
      ACCOUNT_CHECK_MINUTES: '0',
      TELNYX_API_URL: 'http://127.0.0.1:9/v2',
      HOST: '127.0.0.1',
      PORT: String(port),
      ROUTES_DIR: join(place, 'routes'),
      DATABASE_URL: `sqlite:${join(place, 'referee.db')}`,
      DRAIN_DELAY_SECS: '0',
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exit = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    child,
    folder: place,
    port: Number(env.PORT ?? port),
    output: () => output,
    exited: async () => {
      const [code, signal] = await exit;
      return code ?? signal;
    },
    ready: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
      return { status: answer?.status ?? 0, text: (await answer?.text()) ?? '' };
    },
  };
}

async function notReady(started: Started, wanted: RegExp): Promise<string> {
  let last = { status: 0, text: '' };
  await eventually(
    async () => {
      if (started.child.exitCode !== null) throw new Error(`it has ended:\n${started.output()}`);
      last = await started.ready();
      return last.status === 503 && wanted.test(last.text);
    },
    () => `${wanted} on ready; it is ${last.status} ${last.text}\n${started.output()}`,
    START_MS,
  );
  return last.text;
}

async function becomesReady(started: Started): Promise<void> {
  let last = { status: 0, text: '' };
  await eventually(
    async () => {
      if (started.child.exitCode !== null) throw new Error(`it has ended:\n${started.output()}`);
      last = await started.ready();
      return last.status === 200;
    },
    () => `ready; it is ${last.status} ${last.text}\n${started.output()}`,
    START_MS,
  );
}

async function takenPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

test('a port that is taken ends the start with its variable, whichever of the two it is', async () => {
  const port = await takenPort();
  const admin = await start({ ADMIN_PORT: port, ADMIN_TOKEN });
  expect(await admin.exited()).toBe(1);
  expect(admin.output()).toMatch(
    new RegExp(`^referee serve: cannot listen on .*ADMIN_PORT=${port}: .*Set ADMIN_PORT`),
  );
  expect((await admin.ready()).status).toBe(0);
  const both = await start({ PORT: port });
  expect(await both.exited()).toBe(1);
  expect(both.output()).toMatch(new RegExp(`[^_]PORT=${port}: another program has this port`));
});

test('a taken port ends the start although the database does not answer', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const started = await start({
    ADMIN_PORT: await takenPort(),
    ADMIN_TOKEN,
    DATABASE_URL: `postgres://u:p@127.0.0.1:${port}/d`,
  });
  expect(await started.exited()).toBe(1);
  expect(started.output()).toContain('Set ADMIN_PORT');
});

test('SIGTERM before the database has ever answered ends the start at once, with 0', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const started = await start({
    DATABASE_URL: `postgres://u:p@127.0.0.1:${port}/d`,
    DRAIN_DELAY_SECS: '8',
  });
  await notReady(started, /starting/);
  const asked = performance.now();
  started.child.kill('SIGTERM');
  expect(await started.exited()).toBe(0);
  expect(performance.now() - asked).toBeLessThan(7_000);
});

test.each([
  ['nowhere.invalid', /the name nowhere\.invalid does not resolve .*Set HOST/],
  ['203.0.113.5', /this machine has no such address .*Set HOST/],
])('HOST=%s is said in words', async (HOST, words) => {
  const started = await start({ HOST });
  expect(await started.exited()).toBe(1);
  expect(started.output()).toMatch(words);
  expect(started.output()).not.toMatch(/^ +at /m);
});

test('a password that splits the URL ends the start, and nothing shows a part of it', async () => {
  for (const password of ['p@Secret#1', '12/Secret@']) {
    const started = await start({ DATABASE_URL: `postgres://u:${password}@db/referee` });
    expect(await started.exited()).toBe(1);
    expect(started.output()).toMatch(/DATABASE_URL: .*(# is %23|\/ is %2F)/);
    expect(started.output()).not.toContain('Secret');
  }
});

test('ready tells what is wrong with PostgreSQL, and no host, user or database', async () => {
  const unknown = await start({ DATABASE_URL: 'postgres://usr:Secret1234@db.invalid/calls_db' });
  const text = await notReady(unknown, /cannot be reached: the host of DATABASE_URL/);
  expect(text).not.toMatch(/usr|Secret|db\.invalid|calls_db/);
  expect(unknown.output()).toContain('db.invalid');
  expect(unknown.output()).not.toContain('Secret1234');
  unknown.child.kill('SIGTERM');
  expect(await unknown.exited()).toBe(0);

  const database = await freshDatabase();
  databases.push(database);
  const url = new URL(database.url);
  url.password = 'Wrong%2FSecret1234';
  const refused = await start({ DATABASE_URL: url.href });
  const said = await notReady(refused, /refuses the user or the password/);
  expect(said).not.toMatch(/postgres"|127\.0\.0\.1|referee_test|Secret/);
  expect(refused.output()).not.toContain('Secret1234');
});

test('a database that is not UTF-8 is not ready, and says how to create one', async () => {
  const { url } = await freshDatabase();
  for (const encoding of ['LATIN1', 'SQL_ASCII']) {
    const name = `referee_start_${encoding.toLowerCase()}`;
    await asAdmin(url, `drop database if exists ${name}`);
    await asAdmin(
      url,
      `create database ${name} encoding '${encoding}' locale 'C' template template0`,
    );
    const other = new URL(url);
    other.pathname = `/${name}`;
    const started = await start({ DATABASE_URL: other.href });
    await notReady(started, new RegExp(`encoding ${encoding}.*ENCODING 'UTF8'`));
    started.child.kill('SIGKILL');
    await started.exited();
    await asAdmin(url, `drop database ${name} with (force)`);
  }
});

test('tables of another program are never touched, whatever they are called', async () => {
  for (const table of ['calls', 'migrations', 'schema']) {
    const database = await freshDatabase();
    databases.push(database);
    await asAdmin(database.url, `create table ${table} (id int); insert into ${table} values (7)`);
    const started = await start({ DATABASE_URL: database.url });
    await notReady(started, /tables of another program .*database of its own/);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(
      "select tablename from pg_tables where schemaname = 'public'",
    );
    expect(rows).toEqual([{ tablename: table }]);
    // Recovers by itself.
    await client.query(`drop table ${table}`);
    await client.end();
    await becomesReady(started);
  }
});

test('a user without rights and a database that is read-only are not ready, with the cause', async () => {
  const database = await freshDatabase();
  databases.push(database);
  const role = `r${new URL(database.url).pathname.slice(1)}`;
  await asAdmin(database.url, `create role ${role} login password 'p'`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'p';
  const started = await start({ DATABASE_URL: url.href });
  await notReady(started, /right to use them.*create on schema/);
  await asAdmin(database.url, `grant create on schema public to ${role}`);
  await becomesReady(started);
  started.child.kill('SIGKILL');
  await started.exited();
  const name = url.pathname.slice(1);
  await asAdmin(database.url, `alter database ${name} set default_transaction_read_only = on`);
  const again = await start({ DATABASE_URL: url.href });
  await notReady(again, /is read-only/);
  await asAdmin(database.url, `set transaction read write; alter database ${name} reset all`);
  await becomesReady(again);
  again.child.kill('SIGKILL');
  await again.exited();
  await asAdmin(database.url, `revoke delete on calls from ${role}`);
  const third = await start({ DATABASE_URL: url.href });
  await notReady(third, /rights it needs: grant select, insert, update, delete/);
  await asAdmin(database.url, `grant delete on calls to ${role}`);
  await becomesReady(third);
  third.child.kill('SIGKILL');
  await third.exited();
  await asAdmin(database.url, `drop owned by ${role} cascade; drop role ${role}`);
});

test('an SQLite file that another process holds at the start: not ready, then ready by itself', async () => {
  const folder = await newFolder();
  const path = join(folder, 'referee.db');
  const first = await start({}, { folder });
  await becomesReady(first);
  first.child.kill('SIGKILL');
  await first.exited();
  const holder = new DatabaseSync(path);
  holder.exec('begin immediate');
  const started = await start({}, { folder });
  expect(await notReady(started, /busy: another process writes to it/)).not.toContain(folder);
  holder.exec('rollback');
  holder.close();
  await becomesReady(started);
  started.child.kill('SIGTERM');
  expect(await started.exited()).toBe(0);
});

test.skipIf(process.getuid?.() !== 0)(
  'an SQLite file that can be read and not written: not ready, then ready by itself',
  async () => {
    const NOBODY = 65_534;
    const folder = await newFolder();
    const path = join(folder, 'referee.db');
    chmodSync(folder, 0o755);
    const first = await start({}, { folder });
    await becomesReady(first);
    first.child.kill('SIGTERM');
    await first.exited();
    const started = await start({}, { folder, uid: NOBODY });
    expect(await notReady(started, /read-only|cannot be opened|must be writable/)).not.toContain(
      folder,
    );
    expect(started.output()).toContain(path);
    for (const file of [folder, path]) chownSync(file, NOBODY, NOBODY);
    for (const file of [`${path}-wal`, `${path}-shm`]) {
      if (existsSync(file)) chownSync(file, NOBODY, NOBODY);
    }
    await becomesReady(started);
    started.child.kill('SIGTERM');
    expect(await started.exited()).toBe(0);
  },
);

test('SIGTERM to npm alone stops the server that "npm start" started', async () => {
  const started = await start({ ROUTES_DIR: '' }, { command: ['npm', 'start'], cwd: ROOT });
  await becomesReady(started);
  started.child.kill('SIGTERM');
  await started.exited();
  await eventually(async () => (await started.ready()).status === 0, 'nobody on the port');
  expect(started.output()).toContain('"event":"server.stopped"');
});

test('the shell that npx puts in between may go: the server goes with it', async () => {
  const command = ['sh', '-c', `"${process.execPath}" "${REFEREE}" serve; true`];
  const started = await start({ npm_execpath: 'npx' }, { command });
  await becomesReady(started);
  started.child.kill('SIGKILL');
  await eventually(async () => (await started.ready()).status === 0, 'nobody on the port');
  await eventually(() => started.output().includes('"event":"server.stopped"'), 'its last words');
});

test('Ctrl-C that arrives twice, from the terminal and from npm, is one stop', async () => {
  const started = await start({ DRAIN_DELAY_SECS: '1' });
  await becomesReady(started);
  started.child.kill('SIGINT');
  started.child.kill('SIGINT');
  expect(await started.exited()).toBe(0);
  expect(started.output()).toContain('"event":"server.stopped"');
});

test('a stop while PostgreSQL is frozen says what it waits for, within its time', async () => {
  const server = await startOwnPostgres();
  servers.push(server);
  const started = await start({ DATABASE_URL: server.url, SHUTDOWN_TIMEOUT_SECS: '4' });
  await becomesReady(started);
  const family = [server.pid, ...childrenOf(server.pid)];
  for (const pid of family) process.kill(pid, 'SIGSTOP');
  const asked = performance.now();
  started.child.kill('SIGTERM');
  const code = await started.exited();
  const took = performance.now() - asked;
  for (const pid of family) process.kill(pid, 'SIGCONT');
  expect(code).toBe(1);
  expect(took).toBeLessThan(5_500);
  expect(started.output()).toMatch(/"event":"server.stop_timed_out".*"waiting_for":"/);
  expect(started.output()).toMatch(/referee serve: not everything was closed within .*store/);
});

function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(Number);
}
