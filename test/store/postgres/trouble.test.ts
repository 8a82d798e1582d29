import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CommitUnknown, StoreUnavailable, TooBusy } from '../../../src/errors.ts';
import { loadKeys } from '../../../src/store/contract/calls.ts';
import { openStore } from '../../../src/store/open.ts';
import { LOAD, loadValues } from '../../../src/store/postgres/load.ts';
import { explain, isAnswer } from '../../../src/store/postgres/pg-errors.ts';
import { keyText } from '../../../src/store/rows/key.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, aChange, aCommand, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';
import { freePort } from '../../helpers/free-port.ts';
import { asAdmin, databaseOn, freshDatabase, type TestDatabase } from '../../helpers/postgres.ts';
import { startOwnPostgres } from '../../helpers/postgres-server.ts';
import { type TcpProxy, tcpProxy } from '../../helpers/tcp-proxy.ts';
import { PATIENT, waitFor } from '../../helpers/waiting.ts';

let database: TestDatabase;
let proxy: TcpProxy;
let viaProxy: string;
let store: Store | null = null;
let count = 0;
const fresh = () => `call ${++count}`;

beforeAll(async () => {
  database = await freshDatabase();
  const url = new URL(database.url);
  proxy = await tcpProxy({ host: url.hostname, port: Number(url.port || 5432) });
  url.host = `127.0.0.1:${proxy.port}`;
  viaProxy = url.href;
});
afterEach(async () => {
  proxy.pass();
  await store?.close();
  store = null;
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});

async function open(url = viaProxy, timeoutMs?: number): Promise<Store> {
  store = await openStore({ kind: 'postgres', url }, timeoutMs === undefined ? {} : { timeoutMs });
  return store;
}

/** Runs something while another transaction locks the rows of these calls. */
async function whileHeld<T>(
  callIds: string[],
  work: () => Promise<T>,
  connectionString = database.url,
): Promise<T> {
  const holder = new pg.Client({ connectionString });
  await holder.connect();
  try {
    await holder.query('begin');
    const keysHeld = callIds.map(keyText);
    await holder.query('select 1 from calls where key = any($1) for update', [keysHeld]);
    return await work();
  } finally {
    await holder.end();
  }
}

const clientOf = (connectionString: string) => new pg.Client({ connectionString });

/** The client must not be in a transaction, in which it would not see who connects meanwhile. */
async function waitingForLocks(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows.length;
}

test('replicas that start together on an empty database migrate it once', async () => {
  const url = new URL(database.url);
  const own = await databaseOn(url.href);
  const stores = await Promise.all(
    Array.from({ length: 6 }, () => openStore({ kind: 'postgres', url: own.url })),
  );
  for (const one of stores) {
    await one.ping();
    await one.close();
  }
  await own.drop();
});

test('a schema of its own may have any name, and the tables of its neighbours are not looked at', async () => {
  const own = await databaseOn(database.url);
  const name = new URL(own.url).pathname.slice(1);
  await asAdmin(own.url, 'create schema "Referee-App 1"; create table public.schema (x int)');
  await asAdmin(own.url, `alter database ${name} set search_path = "Referee-App 1", public`);
  for (let n = 0; n < 2; n += 1) {
    const first = await openStore({ kind: 'postgres', url: own.url });
    await first.ping();
    await first.close();
  }
  // Tables of another program there are still found.
  await asAdmin(own.url, 'create schema "Other"; create table "Other".things (x int)');
  await asAdmin(own.url, `alter database ${name} set search_path = "Other", public`);
  await expect(openStore({ kind: 'postgres', url: own.url })).rejects.toThrow(/a table "things"/);
  await own.drop();
});

test('it speaks as a transaction pooler needs it: no named statements, no start-up parameters, no session state', async () => {
  const first = await open();
  const id = fresh();
  const far = fresh();
  const both = { changes: [aChange(aCall(id), 0), aChange(aCall(far), 0)] };
  await first.commit([both, aUnit(aCall(fresh()), 0, { events: [anEntry('e')] })], null);
  await first.load(loadKeys({ callIds: [id], sessionIds: ['s'], attemptIds: ['a'] }));
  await first.changeSetting('overrides', () => null);
  await first.claim({ owner: 'a', leaseMs: 1_000 }, 1);
  await first.close();

  const wire = proxy.sent.map((connection) => Buffer.concat(connection));
  expect(wire.length).toBeGreaterThan(0);
  for (const bytes of wire) {
    const [startup, ...messages] = messagesOf(bytes);
    const names = (startup?.slice(8).toString().split('\0') ?? []).filter((_, i) => i % 2 === 0);
    expect(names.filter(Boolean).sort()).toEqual(['client_encoding', 'database', 'user']);
    for (const message of messages) {
      const text = message.toString('latin1');
      // A Parse message: the statement's name comes first, and must be empty.
      if (text[0] === 'P') expect(text[5]).toBe('\0');
      expect(text).not.toMatch(/\blisten\b|pg_advisory_lock\b|(^Q.{4}|; *)set (?!local)/is);
    }
  }
});

test('connections that are cut are replaced, without a restart', async () => {
  const first = await open();
  await first.ping();
  proxy.cut();
  await waitFor(() => first.load(loadKeys({})));
  expect((await first.commit([aUnit(aCall(fresh()), 0)], null)).results).toEqual(['committed']);
});

test('backends that the server ends are replaced', async () => {
  const first = await open();
  await Promise.all([first.ping(), first.load(loadKeys({})), first.replicas()]);
  await asAdmin(
    database.url,
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
  );
  await waitFor(() => first.load(loadKeys({})));
});

test('a commit whose result never came is unknown, and may have happened', async () => {
  const first = await open();
  const id = fresh();
  const unit = aUnit(aCall(id), 0, { commands: [aCommand(`command of ${id}`, id)] });
  proxy.cutAfter('referee_commit_1');
  await expect(first.commit([unit], { owner: 'a', leaseMs: 1 })).rejects.toThrow(CommitUnknown);
  // The commit was executed: the outbox continues, and the second delivery is a duplicate.
  await waitFor(async () => expect(await first.find(id)).not.toBeNull());
  const claimed = await vi.waitUntil(async () => {
    const found = await first.claim({ owner: 'b', leaseMs: 60_000 }, 10);
    return found.length > 0 ? found : null;
  }, PATIENT);
  expect(claimed[0]?.command.callId).toBe(id);
});

test('units of two calls wait for rows that others hold at the same time, not one after the other', async () => {
  const first = await open();
  const pairs = Array.from({ length: 4 }, () => [fresh(), fresh()]);
  const unitsAt = (version: number) =>
    pairs.map((ids) => ({ changes: ids.map((id) => aChange(aCall(id), version)) }));
  await first.commit(unitsAt(0), null);
  const watcher = new pg.Client({ connectionString: database.url });
  await watcher.connect();
  let over = false;
  await whileHeld(pairs.flat(), async () => {
    // A lock timeout counts as a lost race, so the write is tried again.
    const committing = (async () => {
      while (!over) await first.commit(unitsAt(1), null);
    })();
    try {
      await waitFor(async () => {
        expect(await waitingForLocks(watcher)).toBeGreaterThan(1);
      });
    } finally {
      over = true;
      await watcher.end();
      await committing;
    }
  });
});

test('rows are locked by key, whatever their order in the batch, so that two replicas do not block each other', async () => {
  const first = await open();
  const [low = '', high = ''] = [fresh(), fresh()].sort((a, b) =>
    keyText(a) < keyText(b) ? -1 : 1,
  );
  const unitsAt = (version: number) => [high, low].map((id) => aUnit(aCall(id), version));
  await first.commit(unitsAt(0), null);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  try {
    await whileHeld([low], async () => {
      const committing = first.commit(unitsAt(1), null);
      await waitFor(async () => {
        expect(await waitingForLocks(other)).toBe(1);
      });
      await other.query('select 1 from calls where key = $1 for update nowait', [keyText(high)]);
      await committing;
    });
  } finally {
    await other.end();
  }
});

test('what a commit starts is counted, also where nobody knows that it was written', async () => {
  const own = await databaseOn(database.url);
  const direct = new URL(own.url);
  direct.host = `127.0.0.1:${proxy.port}`;
  const first = await open(direct.href);
  const refers = async () => {
    const budget = { callers: [], limit: 100_000, since: Date.now() - 3_600_000 };
    return (await first.load(loadKeys({ budget }))).budget?.all.refers;
  };
  const aCallOf = (n: number, id = fresh()) => {
    const startedAt = Date.now() + 60_000;
    const attempts = Array.from({ length: n }, (_, i) => anAttempt(`${id} ${i}`, { startedAt }));
    return aUnit(aCall(id, { attempts }), 0);
  };
  const held = fresh();
  await first.commit([aCallOf(1_500), aUnit(aCall(held), 0)], null);
  expect(await refers()).toBe(1_500);
  await first.commit([aCallOf(3)], null);
  expect(await refers()).toBe(1_503);
  proxy.cutAfter('referee_commit_1');
  await expect(first.commit([aCallOf(4)], null)).rejects.toThrow(CommitUnknown);
  expect(await waitFor(refers)).toBe(1_507);

  // The same for one unit among several that are written separately, because one row of the batch
  // is locked.
  const [known, unknown] = [fresh(), fresh()];
  proxy.cutAfter(keyText(unknown), keyText(known));
  const units = [aUnit(aCall(held), 1), aCallOf(5, known), aCallOf(6, unknown)];
  const { results } = await whileHeld([held], () => first.commit(units, null), own.url);
  expect(results).toEqual(['conflict', 'committed', 'conflict']);
  expect(await refers()).toBe(1_518);
  await first.close();
  await own.drop();
});

test('a pipe that broke is trouble of the connection, not an answer with a code of five letters', () => {
  const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  expect(isAnswer(broken)).toBe(false);
  expect(explain(broken, 'here')).toBeInstanceOf(StoreUnavailable);
});

test('a silent server is given up in time: a read is unavailable, a commit unknown', async () => {
  const first = await open(viaProxy, 300);
  await first.ping();
  proxy.hold();
  await expect(first.load(loadKeys({}))).rejects.toThrow(StoreUnavailable);
  proxy.pass();
  await waitFor(() => first.load(loadKeys({})));
  proxy.hold();
  await expect(first.commit([aUnit(aCall(fresh()), 0)], null)).rejects.toThrow(CommitUnknown);
  proxy.pass();
  await waitFor(() => first.load(loadKeys({})));
});

test('a row that another replica holds for long is a lost race for its call, and for no other', async () => {
  const first = await open();
  const id = fresh();
  await first.commit([aUnit(aCall(id), 0)], null);
  const held = await whileHeld([id], () =>
    first.commit([aUnit(aCall(id), 1), aUnit(aCall(fresh()), 0)], null),
  );
  expect(held.results).toEqual(['conflict', 'committed']);
  expect((await first.commit([aUnit(aCall(id), 1)], null)).results).toEqual(['committed']);
});

test('wrong ways in are refused with what to do, and without the password', async () => {
  const wrong = async (change: (url: URL) => void) => {
    const url = new URL(database.url);
    change(url);
    const error: unknown = await openStore({ kind: 'postgres', url: url.href }).catch((e) => e);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect((error as Error).message).not.toContain('s3cret');
    return (error as Error).message;
  };
  const port = await freePort();
  expect(
    await wrong((url) => {
      url.port = String(port);
      url.password = 's3cret';
    }),
  ).toMatch(/cannot be reached \(.*ECONNREFUSED/);
  expect(await wrong((url) => (url.password = 's3cret'))).toMatch(
    /refuses the user or the password/,
  );
  expect(await wrong((url) => (url.pathname = '/nowhere'))).toMatch(/has no such database/);
});

test('a mistake in one batch is no trouble of the store', async () => {
  const first = await open();
  const broken = aUnit(aCall('broken', { createdAt: Number.NaN }), 0);
  const error: unknown = await first
    .commit([aUnit(aCall('fine'), 0), broken], null)
    .catch((e) => e);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(StoreUnavailable);
  expect(await first.find('fine')).toBeNull();
});

test('a database that lacks a part of ours is trouble of the store: no webhook is a dead letter for it', async () => {
  const own = await databaseOn(database.url);
  const first = await open(own.url);
  const commit = (id: string) => first.commit([aUnit(aCall(id), 0)], null);
  const parts: [string, string, () => Promise<unknown>][] = [
    ['function', 'referee_load_1', () => first.load(loadKeys({}))],
    ['function', 'referee_commit_1', () => commit('one')],
    ['table', 'calls', () => commit('two')],
    ['table calls rename column', 'phase', () => commit('three')],
  ];
  for (const [what, name, work] of parts) {
    const rename = (from: string, to: string) =>
      what.includes('rename') ? `${what} ${from} to ${to}` : `${what} ${from} rename to ${to}`;
    await asAdmin(own.url, `alter ${rename(name, 'away')}`);
    await expect(work()).rejects.toThrow(StoreUnavailable);
    await asAdmin(own.url, `alter ${rename('away', name)}`);
    await work();
  }
  await first.close();
  store = null;
  await own.drop();
});

test('a session that ends by a time limit of its administrator is trouble of the store', async () => {
  const own = await databaseOn(database.url);
  const first = await open(own.url);
  const id = fresh();
  await first.commit([aUnit(aCall(id), 0)], null);
  const name = new URL(own.url).pathname.slice(1);
  const held = await whileHeld(
    [id],
    async () => {
      // Since PostgreSQL 17; it holds for new sessions only.
      await asAdmin(
        own.url,
        `do $$ begin
           if exists (select from pg_settings where name = 'transaction_timeout')
           then alter database ${name} set transaction_timeout = '200ms'; end if; end $$;
         select pg_terminate_backend(pid) from pg_stat_activity
           where datname = '${name}' and state = 'idle'`,
      );
      await waitFor(() => first.ping());
      return first.commit([aUnit(aCall(id), 1)], null).catch((error: unknown) => error);
    },
    own.url,
  );
  // Older servers end the wait for the lock, which is a lost race.
  if (held instanceof Error) expect(held).toBeInstanceOf(StoreUnavailable);
  else expect(held).toMatchObject({ results: ['conflict'] });
  await waitFor(async () => {
    expect((await first.commit([aUnit(aCall(id), 1)], null)).results).toEqual(['committed']);
  });
  await first.close();
  store = null;
  await own.drop();
});

test('a server that stops and starts again is found again', async () => {
  const server = await startOwnPostgres();
  const first = await openStore({ kind: 'postgres', url: server.url });
  try {
    const id = fresh();
    await first.commit([aUnit(aCall(id), 0)], null);
    await server.halt();
    await expect(first.load(loadKeys({}))).rejects.toThrow(StoreUnavailable);
    await expect(first.ping()).rejects.toThrow(StoreUnavailable);
    const trouble: unknown = await first.commit([aUnit(aCall(id), 1)], null).catch((e) => e);
    expect(trouble instanceof StoreUnavailable || trouble instanceof CommitUnknown).toBe(true);
    await server.start();
    await waitFor(() => first.ping());
    expect((await first.commit([aUnit(aCall(id), 1)], null)).results).toEqual(['committed']);
  } finally {
    await first.close();
    await server.stop();
  }
});

/** Messages of the wire protocol: the first has no type byte. */
function messagesOf(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0, typed = 0; at + 4 + typed <= bytes.length; typed = 1) {
    const length = bytes.readInt32BE(at + typed) + typed;
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}

// The query plan is cached: made for an empty table, or one that was analyzed but not yet vacuumed.
test('a load reads what it asks for, not what all calls have, whatever its plan was made from', async () => {
  const own = await databaseOn(database.url);
  const newStore = await openStore({ kind: 'postgres', url: own.url });
  // Not in the order of their attempts, because the planner would then choose either index.
  const everybody = Array.from({ length: 2_000 }, (_, i) => `+1415555${(i * 7_919) % 2_000}`);
  const units = everybody.map((from, i) => {
    const attempts = [anAttempt(`attempt-${i}`, { startedAt: 2_000 + i })];
    return aUnit(aCall(`call-${i}`, { facts: { from }, attempts }), 0);
  });
  const callers = everybody.slice(0, 50);
  const wanted = loadKeys({
    callIds: ['call-0', 'call-1'],
    attemptIds: ['attempt-2'],
    budget: { callers, limit: 10, since: 2_000 },
  });
  const client = new pg.Client({ connectionString: own.url });
  await client.connect();
  // As for tables larger than memory, for which sequential reads are cheap.
  await client.query('set random_page_cost = 20');
  await client.query(LOAD, loadValues(wanted));
  // In the order in which attempts begin, so that the index of all attempts has the same order as
  // the table.
  for (let n = 0; n < units.length; n += 100) await newStore.commit(units.slice(n, n + 100), null);
  await newStore.close();

  for (const before of ['select', 'analyze']) {
    await client.query(before);
    await client.query('begin');
    const { rows } = await client.query(LOAD, loadValues(wanted));
    const counted = rows.filter(({ part, b }) => part === 'budget' && Number(b) === 1);
    expect(counted).toHaveLength(callers.length);
    const { rows: tables } = await client.query(
      'select relname as name, idx_tup_fetch + seq_tup_read as n from pg_stat_xact_user_tables',
    );
    const reads = Object.fromEntries(tables.map(({ name, n }) => [name, Number(n)]));
    expect(reads.attempts).toBeGreaterThanOrEqual(callers.length);
    expect(reads.attempts).toBeLessThan(3 * callers.length);
    expect(reads.calls).toBeLessThan(10);
    expect(reads.call_filters).toBeLessThan(10);
    await client.query('commit');
  }
  await client.end();
  await own.drop();
});

test('what changed waits for transactions that may write changes, and for no others', async () => {
  const own = await databaseOn(database.url);
  const first = await open(own.url);
  const clients = [database.url, own.url, own.url].map(clientOf);
  const [elsewhere, here, writer] = clients as [pg.Client, pg.Client, pg.Client];
  try {
    for (const client of clients) {
      await client.connect();
      await client.query('begin');
    }
    // As a restore, an import or a session that somebody left open.
    await elsewhere.query('create temporary table imported (x int)');
    await here.query('create temporary table imported (x int)');
    let { cursor } = await first.changes(null, 10);
    const seen: string[] = [];
    const look = async () => {
      const changes = await first.changes(cursor, 10);
      expect(changes.missed).toBe(false);
      cursor = changes.cursor;
      seen.push(...changes.callIds);
      return seen;
    };
    const before = fresh();
    await first.commit([aUnit(aCall(before), 0)], null);
    await waitFor(async () => expect(await look()).toEqual([before]));

    const [early, late] = [fresh(), fresh()];
    await first.commit([aUnit(aCall(early), 0)], null);
    await waitFor(async () => expect(await look()).toEqual([before, early]));
    // A replica that has written and not yet committed.
    await writer.query('insert into changes (at, keys) values (0, array[$1::uuid])', [
      keyText(early),
    ]);
    await first.commit([aUnit(aCall(late), 0)], null);
    expect(await look()).toEqual([before, early]);
    await writer.query('commit');
    await waitFor(async () => expect(await look()).toEqual([before, early, early, late]));
  } finally {
    for (const client of clients) await client.end();
    await first.close();
    store = null;
    await own.drop();
  }
});

test('a database that was read-only for a while is written again, by the same store', async () => {
  const own = await freshDatabase();
  const name = new URL(own.url).pathname.slice(1);
  const admin = (sql: string) => asAdmin(new URL('/postgres', own.url).href, sql);
  const readOnly = (value: 'on' | 'off') =>
    admin(`alter database ${name} set default_transaction_read_only = ${value}`);
  try {
    const opened = await open(own.url);
    await readOnly('on');
    // As at a failover: all connections are new.
    await admin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    const put = () => opened.commit([aUnit(aCall(fresh()), 0)], null);
    await waitFor(() => expect(put()).rejects.toThrow('is read-only'));
    await readOnly('off');
    await waitFor(async () => expect((await put()).results).toEqual(['committed']));
    await opened.close();
  } finally {
    await own.drop();
  }
});

test('where one connection is dead, the others are not tried one after the other', async () => {
  const first = await open(viaProxy, 2_000);
  const ask = () => first.load(loadKeys({ callIds: [fresh()] }));
  await Promise.all(Array.from({ length: 10 }, ask));
  proxy.abandon();
  await expect(ask()).rejects.toThrow(StoreUnavailable);
  await ask();
});

test('what is given up behind a lock is cancelled on the server, which keeps no connection for it', async () => {
  const own = await databaseOn(database.url);
  const first = await waitFor(() => open(own.url, 1_000));
  const [holder, watcher] = [clientOf(own.url), clientOf(own.url)];
  await holder.connect();
  await watcher.connect();
  const waiting = (some: boolean) =>
    waitFor(async () => expect((await waitingForLocks(watcher)) > 0).toBe(some));
  try {
    // As VACUUM FULL does.
    await holder.query('begin; lock table calls in access exclusive mode');
    for (const ask of [() => first.load(loadKeys({ callIds: ['x'] })), () => first.due(1)]) {
      await waitFor(async () => {
        const asked = ask().then(
          () => null,
          (error: unknown) => error,
        );
        await waiting(true);
        expect(await asked).toBeInstanceOf(StoreUnavailable);
      });
      await waiting(false);
    }
  } finally {
    await holder.end();
    await watcher.end();
  }
  await waitFor(() => first.load(loadKeys({})));
  await first.close();
  store = null;
  await own.drop();
});

test('where the server has fewer connections than we may open, those are shared', async () => {
  const own = await databaseOn(database.url);
  const role = `limited_${randomUUID().slice(0, 8)}`;
  await asAdmin(own.url, `create role ${role} login password 'limited' connection limit 2`);
  await asAdmin(own.url, `grant create on schema public to ${role}`);
  const url = new URL(own.url);
  Object.assign(url, { username: role, password: 'limited' });
  const first = await open(url.href);
  // Each needs a connection for several round trips; on a busy machine some may wait too long.
  for (let round = 0; round < 2; round += 1) {
    const asked = Array.from({ length: 8 }, (_, n) => first.changeSetting('rest', () => n));
    const ends = await Promise.allSettled(asked);
    const reasons = ends.map((end) => (end.status === 'rejected' ? String(end.reason) : 'done'));
    expect(reasons.filter((reason) => reason.includes('too many connections'))).toEqual([]);
    expect(reasons).toContain('done');
  }

  // With none at all it is said, and one that is given back is found.
  await first.close();
  const others = [url.href, url.href].map(clientOf);
  for (const client of others) await client.connect();
  await expect(open(url.href)).rejects.toThrow(/has no connection left.*too many connections/);
  for (const client of others) await client.end();
  const second = await waitFor(() => open(url.href));
  await second.close();
  store = null;
  await own.drop();
  await asAdmin(database.url, `drop role ${role}`);
});

test('a list that is slow for many leaves a connection for webhooks, and does not go on without us', async () => {
  const first = await open();
  const [holder, watcher] = [clientOf(database.url), clientOf(database.url)];
  try {
    await Promise.all([holder.connect(), watcher.connect()]);
    await holder.query('begin; lock table sums in access exclusive mode');
    const lists = Array.from({ length: 30 }, () => first.sums(0, 1).catch((error) => error));
    await waitFor(async () => expect(await waitingForLocks(watcher)).toBeGreaterThan(0));
    await first.load(loadKeys({ callIds: [fresh()] }));
    // A step back to a version must not wait for them either.
    expect(await Promise.race([first.routeFile('none'), lists.at(-1)])).toBeNull();
    // Those that were asked took too long, and the others waited for them in vain.
    const errors = (await Promise.all(lists)).map((each) => each.constructor);
    expect(new Set(errors)).toEqual(new Set([StoreUnavailable, TooBusy]));
    await waitFor(async () => expect(await waitingForLocks(watcher)).toBe(0));
    await holder.query('rollback');
    expect(await first.sums(0, 1)).toEqual([]);
  } finally {
    await Promise.all([holder.end(), watcher.end()]);
  }
});

test('a migration may take longer than any other question', async () => {
  const own = await databaseOn(database.url);
  const [holder, watcher] = [clientOf(own.url), clientOf(own.url)];
  try {
    await Promise.all([holder.connect(), watcher.connect()]);
    await holder.query('begin; select pg_advisory_xact_lock(1380271685)');
    let opened = false;
    const opening = openStore({ kind: 'postgres', url: own.url }, { timeoutMs: 300 }).then(
      (migrated) => {
        opened = true;
        return migrated;
      },
    );
    const late = performance.now() + 900;
    await waitFor(async () => {
      expect(await waitingForLocks(watcher)).toBe(1);
      expect(performance.now()).toBeGreaterThan(late);
    });
    expect(opened).toBe(false);
    await holder.query('commit');
    await (await opening).close();
  } finally {
    await Promise.all([holder.end(), watcher.end()]);
    await own.drop();
  }
});

test('a server that is frozen gets one connection at a time to work through, and then as many as before', async () => {
  const first = await open(viaProxy, 200);
  const askAll = () => Promise.allSettled(Array.from({ length: 20 }, () => first.find(fresh())));
  proxy.hold();
  const before = proxy.sent.length;
  const ROUNDS = 6;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const answer of await askAll()) expect(answer.status).toBe('rejected');
  }
  // At first as many as are asked for; without a bound ten in each round.
  expect(proxy.sent.length - before).toBeLessThan(10 + 3 * ROUNDS);

  proxy.pass();
  await waitFor(() => first.find(fresh()));
  const thawed = proxy.sent.length;
  await waitFor(async () => {
    await askAll();
    expect(proxy.sent.length - thawed).toBeGreaterThan(3);
  });
});
