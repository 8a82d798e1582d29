/**
 * What the server asks all the time reads what it asks for, not what grows: with tables that were
 * never analyzed, and while somebody holds a snapshot, so that nothing old can be removed.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { HOURLY_SUMS } from '../../../src/store/contract/calls.ts';
import { openStore } from '../../../src/store/open.ts';
import { readActivity } from '../../../src/store/postgres/activity.ts';
import { changedCalls } from '../../../src/store/postgres/changes.ts';
import { ClockSteps } from '../../../src/store/postgres/clock-steps.ts';
import { DueDeadlines } from '../../../src/store/postgres/due-deadlines.ts';
import { foldCalls } from '../../../src/store/postgres/history.ts';
import { listCalls } from '../../../src/store/postgres/list.ts';
import { LowestCommand } from '../../../src/store/postgres/lowest-command.ts';
import { claimCommands } from '../../../src/store/postgres/outbox.ts';
import type { Query } from '../../../src/store/postgres/pool.ts';
import { hasOldCalls } from '../../../src/store/postgres/pruning.ts';
import { readRecordings } from '../../../src/store/postgres/recordings.ts';
import { beat } from '../../../src/store/postgres/records.ts';
import { takeUncounted } from '../../../src/store/postgres/uncounted.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, aCommand, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';
import { freshDatabase, type TestDatabase } from '../../helpers/postgres.ts';

const CALLS = 4_000;
const CODE = 1;

let database: TestDatabase;
let store: Store;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  store = await openStore({ kind: 'postgres', url: database.url });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  // As with large tables, which nothing reads as a whole where an index leads to what is asked for.
  await client.query('set enable_seqscan = off');
  for (const table of ['calls', 'call_filters', 'events', 'attempts', 'uncounted', 'changes']) {
    await client.query(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  for (let n = 0; n < CALLS; n += 200) {
    await store.commit(
      Array.from({ length: 200 }, (_, i) => endedCall(n + i)),
      null,
    );
  }
});
afterAll(async () => {
  await client.end();
  await store.close();
  await database.drop();
});

function endedCall(n: number) {
  const at = 1_000_000 + n * 1_000;
  const attempts = [anAttempt(`attempt ${n}`, { startedAt: at })];
  const call = aCall(`call ${n}`, {
    ...{ createdAt: at, phase: 'ended', endedAt: at, ends: 'referred', decided: true, attempts },
  });
  const events = [1, 2, 3].map((nth) => anEntry(`event ${n} ${nth}`));
  const waits = (item: string) => [item, { waits: 0 }] as const;
  const items = n < 20 ? [waits(HOURLY_SUMS), waits(`attempt ${n}`)] : [waits(HOURLY_SUMS)];
  return aUnit(call, 0, { events, tally: new Map(items) });
}

const query: Query = async (text, values) => (await client.query(text, values)).rows;

/**
 * Rows that `work` reads; nothing that it does is kept. Those of all that waits are short, and may
 * be sorted.
 */
async function rowsRead(work: (query: Query) => Promise<unknown>): Promise<number> {
  const read = async () => {
    const [row] = await query(
      "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_xact_user_tables where relname <> 'uncounted'",
    );
    return Number(row?.n);
  };
  await client.query('begin');
  try {
    const before = await read();
    await work(query);
    return (await read()) - before;
  } finally {
    await client.query('rollback');
  }
}

const ASKED: [string, (query: Query) => Promise<unknown>][] = [
  ['taking what is to be counted', (ask) => takeUncounted(ask, 10, CODE)],
  ['adding calls up', (ask) => foldCalls(ask, 10, CODE)],
  ['outgoing calls', (ask) => listCalls(ask, { direction: 'outgoing', limit: 50 })],
  ['statistics', (ask) => readActivity(ask, 1_000_000 + (CALLS - 10) * 1_000, 20_000)],
];

const FIFTY = Array.from({ length: 50 }, (_, n) => `call ${n * 80}`);
const ASKED_OF_SMALL: typeof ASKED = [
  ['looking for old calls', (ask) => hasOldCalls(ask, 0, CODE)],
  ['recordings', (ask) => readRecordings(ask, FIFTY, CODE)],
];

test('tables that were never analyzed, and those that were', async () => {
  const read: [string, number][] = [];
  for (const before of ['select', 'analyze']) {
    await client.query(before);
    for (const [what, work] of ASKED) read.push([`${what}, ${before}`, await rowsRead(work)]);
    await client.query('set enable_seqscan = on');
    for (const [what, work] of ASKED_OF_SMALL) {
      read.push([`${what}, ${before}`, await rowsRead(work)]);
    }
    await client.query('set enable_seqscan = off');
  }
  expect(read.filter(([, rows]) => rows > 400)).toEqual([]);
});

/** Entries of an index that `work` reads, also those of rows that are gone. */
async function entriesRead(index: string, work: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    const [row] = await query(
      'select pg_stat_get_xact_tuples_returned(to_regclass($1))::int as n',
      [index],
    );
    return Number(row?.n);
  };
  await client.query('begin');
  const before = await read();
  await work();
  const after = await read();
  await client.query('commit');
  return after - before;
}

/** Runs something while another session has a snapshot from before it. */
async function withSnapshot(work: () => Promise<void>): Promise<void> {
  const holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  try {
    await holder.query('begin isolation level repeatable read; select from calls limit 1');
    await work();
  } finally {
    await holder.end();
  }
}

test('deadlines that are over cost nothing while a backup runs, and one that is set is found', async () => {
  const deadlines = new DueDeadlines(new ClockSteps(), () => {});
  const due = () => deadlines.read(query, 10, CODE);
  const callId = 'with deadlines';
  await store.commit([aUnit(aCall(callId), 0)], null);
  await withSnapshot(async () => {
    for (let n = 1; n <= 300; n += 1) {
      await client.query(
        'update calls set due_at = $1 where key = (select key from call_filters order by call desc limit 1)',
        [n],
      );
    }
    await client.query('update calls set due_at = null where due_at is not null');
    await due();
    expect(await entriesRead('calls_due', due)).toBeLessThan(10);

    const { now } = await due();
    const found = await store.find(callId);
    const deadline = { name: 'watch', n: 1, dueAt: now, setAt: now, putOff: false } as const;
    await store.commit(
      [aUnit(aCall(callId, { deadlines: [deadline] }), found?.version ?? 0)],
      null,
    );
    expect((await due()).due).toMatchObject([{ callId }]);
    // It stays due, and so does what is set later.
    expect((await due()).due).toMatchObject([{ callId }]);
  });
});

test('changes that were removed cost nothing while a backup runs', async () => {
  const replica = { id: 'this', startedAt: 1, routeSet: null, refusal: null };
  await withSnapshot(async () => {
    await client.query('update changes set at = 0');
    const from = await beat(query, replica, '0');
    expect(await entriesRead('changes_pkey', () => beat(query, replica, from ?? '0'))).toBeLessThan(
      10,
    );
    const look = () => changedCalls(query, from, 10, from ?? '0');
    expect(await entriesRead('changes_pkey', look)).toBeLessThan(10);
    // Whoever has not looked for so long is still told that they missed something.
    expect(await changedCalls(query, '5', 10, from ?? '0')).toMatchObject({ missed: true });
  });
});

test('commands that were sent cost nothing while a backup runs, and those that wait are claimed', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const lowest = new LowestCommand();
  const claim = async () =>
    claimCommands(
      query,
      { owner: 'this', leaseMs: 0 },
      10,
      CODE,
      new ClockSteps(),
      await lowest.read(query),
    );
  const issue = (id: string) =>
    store.commit(
      [aUnit(aCall(`call of ${id}`), 0, { commands: [aCommand(id, `call of ${id}`)] })],
      null,
    );
  try {
    await withSnapshot(async () => {
      for (let n = 0; n < 100; n += 1) await issue(`sent ${n}`);
      await client.query("delete from commands where document like '%sent%'");
      await issue('waits');
      // Twice, because a commit may be under way whose commands have lower numbers.
      for (let n = 0; n < 2; n += 1) {
        expect(await claim()).toMatchObject([{ command: { id: 'waits' } }]);
        vi.advanceTimersByTime(70_000);
      }
      await issue('last');
      const ids: string[] = [];
      const read = await entriesRead('commands_next', async () => {
        ids.push(...(await claim()).map(({ command }) => command.id));
      });
      expect(ids.toSorted()).toEqual(['last', 'waits']);
      expect(read).toBeLessThan(20);
    });
  } finally {
    vi.useRealTimers();
  }
});
