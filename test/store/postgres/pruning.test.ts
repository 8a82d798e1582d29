/** Pruning while another replica adds calls up, and while events still change what is pruned. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { HOURLY_SUMS } from '../../../src/store/contract/calls.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, anEntry, aUnit } from '../../helpers/documents.ts';
import { freshDatabase, type TestDatabase } from '../../helpers/postgres.ts';
import { PATIENT } from '../../helpers/waiting.ts';

/** As left by an event of an ended call. */
const CHANGED = { tally: new Map([[HOURLY_SUMS, { waits: 0 }]]) };
const OLD = { phase: 'ended', endedAt: 7, ends: 'referred', decided: true } as const;

let database: TestDatabase;
let store: Store;
let beside: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  store = await openStore({ kind: 'postgres', url: database.url });
  beside = new pg.Client({ connectionString: database.url });
  await beside.connect();
});
afterAll(async () => {
  await beside.end();
  await store.close();
  await database.drop();
});

async function count(sql: string): Promise<number> {
  const { rows } = await beside.query(`select count(*)::int as n from ${sql}`);
  return rows[0].n;
}

/** Prunes while another replica is adding calls up; `meanwhile` runs while the pruning waits. */
async function pruneBeside(meanwhile: () => Promise<unknown>): Promise<number> {
  await beside.query("begin; select pg_advisory_xact_lock(hashtext('referee history'))");
  let isOver = false;
  const pruning = store.prune(8, 10).finally(() => {
    isOver = true;
  });
  await vi.waitUntil(
    async () => isOver || (await count("pg_locks where locktype = 'advisory' and not granted")) > 0,
    PATIENT,
  );
  await meanwhile();
  await beside.query('commit');
  return pruning;
}

test('who has no call any more is forgotten, also if another replica was adding calls up', async () => {
  await store.commit([aUnit(aCall('gone', OLD), 0, CHANGED)], null);
  expect(await store.fold(10)).toBe(1);
  expect(await count('parties')).toBe(2);
  expect(await pruneBeside(async () => {})).toBe(1);
  expect([await count('parties'), await count('party_grams')]).toEqual([0, 0]);
});

test('an event that comes just before its call is pruned keeps it until it is added up', async () => {
  const call = aCall('corrected', { ...OLD, createdAt: 3_600_000 });
  await store.commit([aUnit(call, 0, CHANGED)], null);
  expect(await store.fold(10)).toBe(1);
  const pruned = await pruneBeside(() =>
    store.commit(
      [aUnit({ ...call, ends: 'abandoned' }, 1, { ...CHANGED, events: [anEntry('late')] })],
      null,
    ),
  );
  expect(pruned).toBe(0);
  expect(await store.fold(10)).toBe(1);
  expect(await store.prune(8, 10)).toBe(1);
  for (const table of ['events', 'uncounted', 'folded', 'call_filters']) {
    expect([table, await count(table)]).toEqual([table, 0]);
  }
  expect(await store.sums(1, 3_600_001)).toMatchObject([{ outcome: 'gave_up', calls: 1 }]);
});
