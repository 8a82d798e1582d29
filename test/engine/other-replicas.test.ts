/** What heartbeats show of the other replicas, by the store's clock. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { livingReplicas, othersServe } from '../../src/engine/other-replicas.ts';
import { openStore } from '../../src/store/open.ts';
import { systemClocks } from '../../src/store/sqlite/store-time.ts';
import type { Store } from '../../src/store/store.ts';

const HOUR_MS = 3_600_000;
let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-others-'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** A store whose clock differs from ours. */
async function open(aheadMs: number): Promise<void> {
  const clocks = { ...systemClocks, wall: () => Date.now() + aheadMs };
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') }, { clocks });
}

const beat = (id: string, startedAt = 0) =>
  store.heartbeat({ id, startedAt, routeSet: 'set', refusal: null });

test.each([0, HOUR_MS, -HOUR_MS])('with our clock %i ms behind the store’s', async (aheadMs) => {
  await open(aheadMs);
  await beat('this');
  expect(await livingReplicas(store, 'this')).toEqual([]);
  await beat('other');
  const living = await livingReplicas(store, 'this');
  expect(living.map(({ id, routeSet }) => [id, routeSet])).toEqual([['other', 'set']]);
});

test('one serves that was there for long and has shown since then that it still is', async () => {
  await open(0);
  const { now } = await store.due(1);
  await beat('this');
  await beat('young', now - 1_000);
  const serve = (since: number) => othersServe(store, 'this', { since, longerThanMs: 15_000 });
  expect(await serve(now - 1)).toBe(false);
  await beat('old', now - 60_000);
  expect(await serve(now - 1)).toBe(true);
  expect(await serve(now + HOUR_MS)).toBe(false);
});
