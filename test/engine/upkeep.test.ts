/** Pruning on the real stores, by replicas with wrong clocks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createUpkeep } from '../../src/engine/upkeep.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, aUnit } from '../helpers/documents.ts';
import { freshDatabase } from '../helpers/postgres.ts';

const DAY = 86_400_000;
/** Among them pruning, the heartbeat, and checking for a reload. */
const JOBS = 6;

async function sqlite() {
  const folder = await mkdtemp(join(tmpdir(), 'referee-upkeep-'));
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  return { store, end: () => rm(folder, { recursive: true }) };
}

async function postgres() {
  const database = await freshDatabase();
  const store = await openStore({ kind: 'postgres', url: database.url });
  return { store, end: () => database.drop() };
}

describe.each([
  ['SQLite', sqlite],
  ['PostgreSQL', postgres],
] as const)('on %s', (_, prepare) => {
  let store: Store;
  let end: () => Promise<unknown>;
  beforeEach(async () => {
    ({ store, end } = await prepare());
  });
  afterEach(async () => {
    await store.close();
    await end();
  });

  /** Runs one round of every job. Returns the number of removed calls in each log line about it. */
  async function keep(clock: () => number): Promise<number[]> {
    const pruned: number[] = [];
    const done = Promise.withResolvers<void>();
    const worked = new Set<string>();
    const upkeep = createUpkeep({
      store,
      retentionDays: 30,
      versionsKept: 50,
      historyDays: 400,
      instance: 'this',
      clock,
      status: () => ({ routeSet: 'a hash', refusal: null }),
      lookAround: async () => {},
      followReload: async () => {},
      counted: () => {},
      failures: (job) => ({
        failed: (error) => done.reject(new Error(job, { cause: error })),
        worked() {
          worked.add(job);
          if (worked.size === JOBS) done.resolve();
        },
      }),
      onPruned: (count) => void pruned.push(count),
    });
    upkeep.start();
    await done.promise;
    await upkeep.stop();
    return pruned;
  }

  const endedAgo = (days: number, count: number) =>
    Array.from({ length: count }, (_, n) => {
      const endedAt = Date.now() - days * DAY;
      return aUnit(aCall(`${days} days ${n}`, { phase: 'ended', endedAt }), 0);
    });

  test.each([-1, 1])(
    'with a clock %i days ahead it says when it started by the store’s',
    async (days) => {
      await keep(() => Date.now() + days * DAY);
      const [replica] = await store.replicas();
      const ranMs = (replica?.seenAt ?? 0) - (replica?.startedAt ?? 0);
      expect(ranMs).toBeGreaterThanOrEqual(-1_000);
      expect(ranMs).toBeLessThan(60_000);
    },
  );

  test('a replica whose clock is 40 days ahead removes nobody’s history', async () => {
    await store.commit(endedAgo(1, 25), null);
    expect(await keep(() => Date.now() + 40 * DAY)).toEqual([]);
    expect(await store.find('1 days 24')).not.toBeNull();
  });

  test('what is older than the retention goes, and it is said how many', async () => {
    await store.commit([...endedAgo(31, 250), ...endedAgo(29, 5)], null);
    expect(await keep(Date.now)).toEqual([250]);
    expect(await store.find('31 days 249')).toBeNull();
    expect(await store.find('29 days 4')).not.toBeNull();
  });

  test('one whose clock is behind removes less, never more', async () => {
    await store.commit(endedAgo(31, 5), null);
    expect(await keep(() => Date.now() - 40 * DAY)).toEqual([]);
  });
});
