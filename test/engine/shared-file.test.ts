/** Two servers on one SQLite file: each notices the other, and not what a restart has left. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchSharedFile } from '../../src/engine/shared-file.ts';
import { openStore } from '../../src/store/open.ts';
import { systemClocks } from '../../src/store/sqlite/store-time.ts';
import type { Store } from '../../src/store/store.ts';

let folder: string;
/** Milliseconds by which all clocks have advanced. */
let passed: number;
const stores: Store[] = [];

beforeEach(async () => {
  passed = 0;
  folder = await mkdtemp(join(tmpdir(), 'referee-shared-'));
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

/** A server, of which only the heartbeat is played. */
async function startServer(instance: string) {
  const clocks = {
    ...systemClocks,
    wall: () => systemClocks.wall() + passed,
    sinceBoot: () => systemClocks.sinceBoot() + passed,
  };
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') }, { clocks });
  stores.push(store);
  const lines: string[] = [];
  const file = watchSharedFile({ store, instance, log: { emit: (event) => lines.push(event) } });
  return {
    lines,
    warnings: file.warnings,
    async beat() {
      await store.heartbeat({ id: instance, startedAt: 0, routeSet: 'set', refusal: null });
      await file.look();
    },
  };
}

test('both servers say so once, for as long as the other is there', async () => {
  const one = await startServer('one');
  await one.beat();
  const two = await startServer('two');
  for (let beats = 0; beats < 3; beats += 1) {
    passed += 5_000;
    await two.beat();
    await one.beat();
  }
  for (const server of [one, two]) {
    expect(server.lines).toEqual(['store.shared']);
    expect(server.warnings()).toEqual([expect.stringContaining('the same SQLite file')]);
  }
  passed += 20_000;
  await one.beat();
  expect([one.warnings(), one.lines]).toEqual([[], ['store.shared']]);
});

test('the last heartbeat of a server that was killed is no second server', async () => {
  await (await startServer('killed')).beat();
  const next = await startServer('next');
  for (let beats = 0; beats < 3; beats += 1) {
    passed += 1_000;
    await next.beat();
  }
  expect([next.warnings(), next.lines]).toEqual([[], []]);
});
