/** Deadlines of the real SQLite store; the receiver is replaced where a test says so. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Call, DeadlineName } from '../../src/core/machine/call.ts';
import type { CallEvent, DeadlineEvent } from '../../src/core/machine/event.ts';
import type { Received } from '../../src/engine/engine.ts';
import { createSweeper, type Sweeper } from '../../src/engine/sweep.ts';
import { NewerRow } from '../../src/errors.ts';
import { openStore } from '../../src/store/open.ts';
import { type Clocks, systemClocks } from '../../src/store/sqlite/store-time.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, anEntry, aUnit } from '../helpers/documents.ts';
import { waitFor } from '../helpers/waiting.ts';

const HOUR_MS = 3_600_000;

let folder: string;
let store: Store;
let wallAheadMs: number;
let sweeper: Sweeper;
let fired: DeadlineEvent[];
let errors: unknown[];
let sweeps: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-sweep-'));
  wallAheadMs = 0;
  fired = [];
  errors = [];
  sweeps = 0;
});
afterEach(async () => {
  await sweeper.stop();
  await store.close();
  await rm(folder, { recursive: true });
});

async function open(): Promise<void> {
  const clocks: Clocks = { ...systemClocks, wall: () => Date.now() + wallAheadMs };
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') }, { clocks });
}

function sweep(
  became: (event: DeadlineEvent) => Promise<Received>,
  { others, storeFailed }: { others?: boolean; storeFailed?: boolean } = {},
): void {
  sweeper = createSweeper({
    store,
    receiver: {
      receive: (event: CallEvent) => {
        if (event.source !== 'deadline') throw new Error('a deadline was due');
        fired.push(event);
        return became(event);
      },
    },
    failures: {
      failed: (error) => void errors.push(error),
      worked() {
        sweeps += 1;
      },
    },
    ...(others === undefined ? {} : { othersServe: async () => others }),
    everyMs: 5,
  });
  sweeper.start(storeFailed);
}

const now = async () => (await store.due(1)).now;

function withDeadline(callId: string, dueAt: number, setAt: number, name: DeadlineName = 'step') {
  return aCall(callId, { deadlines: [{ name, n: 1, dueAt, setAt, putOff: false }] });
}

async function add(...calls: Call[]): Promise<void> {
  await store.commit(
    calls.map((call) => aUnit(call, 0)),
    null,
  );
}

/** As the machine does: the deadline is over. */
async function settle({ callId }: DeadlineEvent): Promise<Received> {
  const stored = await store.find(callId);
  if (stored === null) throw new Error('no such call');
  const call = { ...stored.call, deadlines: [] };
  await store.commit([aUnit(call, stored.version, { events: [anEntry('over')] })], null);
  return { result: 'committed', call };
}

test('deadlines that cannot be processed do not hide those that can', async () => {
  await open();
  const start = await now();
  const broken = Array.from({ length: 600 }, (_, n) => {
    return withDeadline(`v3:broken-${n}`, start - 3_000, start - 4_000);
  });
  await add(...broken, withDeadline('v3:good', start - 1_000, start - 4_000));
  sweep(async (event) =>
    event.callId === 'v3:good' ? await settle(event) : { result: 'dead_letter' },
  );
  await waitFor(() => expect(fired.map(({ callId }) => callId)).toContain('v3:good'));
  // Each was tried once.
  expect(fired).toHaveLength(601);
  const before = sweeps;
  await waitFor(() => expect(sweeps).toBeGreaterThan(before + 3));
  expect(fired).toHaveLength(601);
});

test('after the clock was set back, deadlines are not taken for older than the start', async () => {
  wallAheadMs = HOUR_MS;
  await open();
  sweep(settle);
  await waitFor(() => expect(sweeps).toBeGreaterThan(0));
  wallAheadMs = 0;
  // Nothing waits for a time, so the store follows the wall clock.
  await waitFor(async () => expect(await now()).toBeLessThan(Date.now() + 1_000));
  const set = await now();
  await add(withDeadline('v3:a', set + 50, set));
  await waitFor(() => expect(fired).toHaveLength(1));
  expect(fired[0]?.putOff).toBe(false);
});

test('a row of newer code is no failure of the store, so no deadline is postponed for it', async () => {
  await open();
  const start = await now();
  await add(withDeadline('v3:newer', start - 100, start - 200));
  sweep(async (event) => {
    if (event.callId === 'v3:newer') throw new NewerRow('written by newer code');
    return await settle(event);
  });
  await waitFor(() => expect(fired.length).toBeGreaterThan(2));
  const set = await now();
  await add(withDeadline('v3:a', set + 50, set));
  await waitFor(() => expect(fired.map(({ callId }) => callId)).toContain('v3:a'));
  expect(fired.find(({ callId }) => callId === 'v3:a')?.putOff).toBe(false);
  expect(errors).toEqual([]);
});

test.each([
  ['alone', {}, true],
  ['while no other replica serves', { others: false }, true],
  ['beside a replica that was there before', { others: true }, false],
  ['beside one, but the store had failed for all', { others: true, storeFailed: true }, true],
])('a start %s: a deadline that was set before is postponed (%j): %s', async (_, given, putOff) => {
  await open();
  const start = await now();
  await add(withDeadline('v3:a', start - 10, start - 20));
  sweep(settle, given);
  await waitFor(() => expect(fired).toHaveLength(1));
  expect(fired[0]?.putOff).toBe(putOff);
});
