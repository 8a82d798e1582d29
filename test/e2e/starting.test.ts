/**
 * The start of the real server when something is wrong: it exits with an explanation, or waits and
 * recovers.
 */
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { aCall, aUnit } from '../helpers/documents.ts';
import { asAdmin, freshDatabase, type TestDatabase } from '../helpers/postgres.ts';
import { ADMIN_TOKEN, eventually } from '../helpers/referee-process.ts';
import { tcpProxy } from '../helpers/tcp-proxy.ts';
import {
  becomesReady,
  composed,
  newFolder,
  notReady,
  REFEREE,
  refusal,
  startProcess,
} from './started.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const { drop } of databases) await drop();
});

async function newDatabase(): Promise<TestDatabase> {
  const database = await freshDatabase();
  databases.push(database);
  return database;
}

async function takenPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

/** Takes connections and never answers. */
async function silentPort(): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return String((server.address() as AddressInfo).port);
}

test('a port that is taken ends the start with its variable, whichever of the two it is', async () => {
  const taken = await takenPort();
  expect(await refusal({ ADMIN_PORT: taken, ADMIN_TOKEN })).toMatch(
    new RegExp(`^cannot listen on .*ADMIN_PORT=${taken}: .*Set ADMIN_PORT`),
  );
  expect(await refusal({ PORT: taken })).toMatch(
    new RegExp(`[^_]PORT=${taken}: another program has this port`),
  );
});

test('a taken port ends the start although the database does not answer', async () => {
  const taken = await takenPort();
  const started = await startProcess({
    ADMIN_PORT: taken,
    ADMIN_TOKEN,
    DATABASE_URL: `postgres://u:p@127.0.0.1:${await silentPort()}/d`,
  });
  expect(await started.exited()).toBe(1);
  expect(started.output()).toMatch(
    // Before it, the log may say that the database does not answer.
    new RegExp(`^referee serve: cannot listen on .*ADMIN_PORT=${taken}: .*Set ADMIN_PORT`, 'm'),
  );
  expect(started.output()).not.toMatch(/^ +at /m);
  expect((await started.ready()).status).toBe(0);
});

test('SIGTERM before the database has ever answered ends the start at once, with 0', async () => {
  // Whoever waited for one of these would wait for longer than a test may take.
  const started = await startProcess({
    DATABASE_URL: `postgres://u:p@127.0.0.1:${await silentPort()}/d`,
    DRAIN_DELAY_SECS: '300',
    SHUTDOWN_TIMEOUT_SECS: '600',
  });
  await notReady(started, /starting/);
  started.child.kill('SIGTERM');
  expect(await started.exited()).toBe(0);
});

/** Preloaded, this sends SIGHUP to its own process just before anything of Referee is loaded. */
const HANGS_UP_FIRST = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(name, context, next) {
      if (name.endsWith('/src/main.ts')) process.kill(process.pid, 'SIGHUP');
      return next(name, context);
    },
  });
`)}`;

test('SIGHUP does not end a server that has just begun to start, and ends other commands', async () => {
  const hungUp = (command: string) => {
    const args = ['--import', HANGS_UP_FIRST, REFEREE, command];
    return startProcess({}, { command: [process.execPath, ...args] });
  };
  const started = await hungUp('serve');
  await becomesReady(started);
  started.child.kill('SIGTERM');
  expect(await started.exited()).toBe(0);
  expect(await (await hungUp('check')).exited()).toBe('SIGHUP');
});

test.each([
  ['nowhere.invalid', /the name nowhere\.invalid does not resolve .*Set HOST/],
  ['203.0.113.5', /this machine has no such address .*Set HOST/],
])('HOST=%s is said in words', async (HOST, words) => {
  const said = await refusal({ HOST });
  expect(said).toMatch(words);
  expect(said).not.toMatch(/^ +at /m);
});

test('a password that splits the URL ends the start, and nothing shows a part of it', async () => {
  for (const password of ['p@Secret#1', '12/Secret@']) {
    const said = await refusal({ DATABASE_URL: `postgres://u:${password}@db/referee` });
    expect(said).toMatch(/DATABASE_URL: .*(# is %23|\/ is %2F)/);
    expect(said).not.toContain('Secret');
  }
});

test('ready tells what is wrong with PostgreSQL, and no host, user or database', async () => {
  const unknown = await composed({ DATABASE_URL: 'postgres://usr:Secret1234@db.invalid/calls_db' });
  const text = await notReady(unknown, /cannot be reached: the host of DATABASE_URL/);
  expect(text).not.toMatch(/usr|Secret|db\.invalid|calls_db/);
  expect(unknown.output()).toContain('db.invalid');
  expect(unknown.output()).not.toContain('Secret1234');
  await unknown.stop();

  const url = new URL((await newDatabase()).url);
  url.password = 'Wrong%2FSecret1234';
  const refused = await composed({ DATABASE_URL: url.href });
  const said = await notReady(refused, /refuses the user or the password/);
  expect(said).not.toMatch(/postgres"|127\.0\.0\.1|referee_test|Secret/);
  expect(refused.output()).not.toContain('Secret1234');
});

test('a database that is not UTF-8 is not ready, and says how to create one', async () => {
  const { url } = await newDatabase();
  const served = async (encoding: string) => {
    const name = `referee_start_${encoding.toLowerCase()}`;
    await asAdmin(url, `drop database if exists ${name}`);
    await asAdmin(
      url,
      `create database ${name} encoding '${encoding}' locale 'C' template template0`,
    );
    const other = new URL(url);
    other.pathname = `/${name}`;
    const started = await composed({ DATABASE_URL: other.href });
    await notReady(started, new RegExp(`encoding ${encoding}.*ENCODING 'UTF8'`));
    await started.stop();
    await asAdmin(url, `drop database ${name} with (force)`);
  };
  await served('LATIN1');
  await served('SQL_ASCII');
});

test('tables of another program are never touched, whatever they are called', async () => {
  const served = async (table: string) => {
    const { url } = await newDatabase();
    await asAdmin(url, `create table ${table} (id int); insert into ${table} values (7)`);
    const started = await composed({ DATABASE_URL: url });
    await notReady(started, /tables of another program .*database of its own/);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(
      "select tablename from pg_tables where schemaname = 'public'",
    );
    expect(rows).toEqual([{ tablename: table }]);
    // It recovers by itself.
    await client.query(`drop table ${table}`);
    await client.end();
    await becomesReady(started);
  };
  await Promise.all(['calls', 'migrations', 'schema'].map(served));
});

test('a user without rights and a database that is read-only are not ready, with the cause', async () => {
  const database = await newDatabase();
  const role = `r${new URL(database.url).pathname.slice(1)}`;
  await asAdmin(database.url, `create role ${role} login password 'p'`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'p';
  const started = await composed({ DATABASE_URL: url.href });
  await notReady(started, /right to use them.*create on schema/);
  await asAdmin(database.url, `grant create on schema public to ${role}`);
  await becomesReady(started);
  await started.stop();
  const name = url.pathname.slice(1);
  await asAdmin(database.url, `alter database ${name} set default_transaction_read_only = on`);
  const again = await composed({ DATABASE_URL: url.href });
  await notReady(again, /is read-only/);
  await asAdmin(database.url, `set transaction read write; alter database ${name} reset all`);
  await becomesReady(again);
  await again.stop();
  await asAdmin(database.url, `revoke delete on calls from ${role}`);
  const third = await composed({ DATABASE_URL: url.href });
  await notReady(third, /rights it needs: grant select, insert, update, delete/);
  await asAdmin(database.url, `grant delete on calls to ${role}`);
  await becomesReady(third);
  await third.stop();
  await asAdmin(database.url, `drop owned by ${role} cascade; drop role ${role}`);
});

test('an SQLite file that another process holds at the start: not ready, then ready by itself', async () => {
  const folder = await newFolder();
  const path = join(folder, 'referee.db');
  const first = await composed();
  await becomesReady(first);
  // As a kill -9 would leave them.
  for (const name of readdirSync(first.folder).filter((each) => each.startsWith('referee.db'))) {
    copyFileSync(join(first.folder, name), join(folder, name));
  }
  await first.stop();
  expect(existsSync(`${path}-wal`)).toBe(true);
  const holder = new DatabaseSync(path);
  holder.exec('begin immediate');
  const started = await startProcess({}, { folder });
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
    const first = await composed({}, folder);
    await becomesReady(first);
    await first.stop();
    const started = await startProcess({}, { folder, uid: NOBODY });
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
  const started = await startProcess({ ROUTES_DIR: '' }, { command: ['npm', 'start'], cwd: ROOT });
  await becomesReady(started);
  started.child.kill('SIGTERM');
  await started.exited();
  await eventually(async () => (await started.ready()).status === 0, 'nobody on the port');
  expect(started.output()).toContain('"event":"server.stopped"');
});

test('the shell that npx puts in between may go: the server goes with it', async () => {
  const command = ['sh', '-c', `"${process.execPath}" "${REFEREE}" serve; true`];
  const started = await startProcess({ npm_execpath: 'npx' }, { command });
  await becomesReady(started);
  started.child.kill('SIGKILL');
  await eventually(async () => (await started.ready()).status === 0, 'nobody on the port');
  await eventually(() => started.output().includes('"event":"server.stopped"'), 'its last words');
});

test('a command that goes on until it is stopped goes with that shell too', async () => {
  const folder = await newFolder();
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  await store.commit([aUnit(aCall('v3:followed'), 0)], null);
  await store.close();
  const command = ['sh', '-c', `"${process.execPath}" "${REFEREE}" calls --follow --json; true`];
  const started = await startProcess({ npm_execpath: 'npx' }, { command, folder });
  await eventually(() => started.output().includes('v3:followed'), 'its first look');
  // Its output is open for as long as it runs.
  const closed = once(started.child, 'close');
  started.child.kill('SIGKILL');
  await closed;
});

test('Ctrl-C that arrives twice, from the terminal and from npm, is one stop', async () => {
  const started = await startProcess({ DRAIN_DELAY_SECS: '1' });
  await becomesReady(started);
  started.child.kill('SIGINT');
  started.child.kill('SIGINT');
  expect(await started.exited()).toBe(0);
  expect(started.output()).toContain('"event":"server.stopped"');
});

test('a stop while PostgreSQL is frozen says what it waits for, within its time', async () => {
  const url = new URL((await newDatabase()).url);
  const wire = await tcpProxy({ host: url.hostname, port: Number(url.port) });
  onTestFinished(() => wire.close());
  url.host = `127.0.0.1:${wire.port}`;
  const started = await startProcess({ DATABASE_URL: url.href, SHUTDOWN_TIMEOUT_SECS: '4' });
  await becomesReady(started);
  // From now on connections are open and nobody answers, for good: only its own limit ends the
  // stop with these words. (Two seconds later close-with-grace would, with others.)
  wire.hold();
  started.child.kill('SIGTERM');
  expect(await started.exited()).toBe(1);
  expect(started.output()).toMatch(/"event":"server.stop_timed_out".*"waiting_for":"/);
  // Its last question stands on an open connection or on one that is being opened.
  expect(started.output()).toMatch(
    /referee serve: not everything was closed within SHUTDOWN_TIMEOUT_SECS=4: .*(?:store|PostgreSQL.*does not answer)/,
  );
});
