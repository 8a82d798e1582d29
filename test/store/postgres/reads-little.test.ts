/**
 * What the server asks all the time reads what it asks for, not what grows, also where tables were
 * never analyzed.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { readActivity } from '../../../src/store/postgres/activity.ts';
import { foldCalls } from '../../../src/store/postgres/history.ts';
import type { Query } from '../../../src/store/postgres/pool.ts';
import { hasOldCalls } from '../../../src/store/postgres/pruning.ts';
import { readRecordings } from '../../../src/store/postgres/recordings.ts';
import { takeUncounted } from '../../../src/store/postgres/uncounted.ts';
import { HOURLY_SUMS } from '../../../src/store/rows/fold.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';
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
