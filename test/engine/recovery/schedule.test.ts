/** When recovery runs: with a real store, scripted answers and the test's own clock. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { owedOf } from '../../../src/engine/recovery/owed.ts';
import type { Recovery } from '../../../src/engine/recovery/recover.ts';
import {
  createRecoverySchedule,
  type RecoverySchedule,
} from '../../../src/engine/recovery/schedule.ts';
import { StoreUnavailable } from '../../../src/errors.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';

let folder: string;
let store: Store;
let now: number;
let storeFails: boolean;
/** The number of reads for which the store fails. */
let failing: number;
let looks: number;
let runs: number[];
let failures: string[];
let answer: () => Promise<Partial<Recovery>>;
let schedule: RecoverySchedule;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-recovery-'));
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  now = Date.now();
  storeFails = false;
  failing = 0;
  looks = 0;
  runs = [];
  failures = [];
  answer = async () => ({});
  schedule = open();
});

afterEach(async () => {
  await schedule.stop();
  await store.close();
  await rm(folder, { recursive: true });
});

function open(of: Store = store): RecoverySchedule {
  return createRecoverySchedule({
    store: of,
    async run(since) {
      runs.push(since);
      return { ...NOTHING_FOUND, since, ...(await answer()) };
    },
    storeFails() {
      looks += 1;
      if (storeFails) failing += 1;
      return storeFails;
    },
    now: () => now,
    onDone() {},
    onFailed: (error) => void failures.push(String(error)),
    lookEveryMs: 5,
  });
}

const NOTHING_FOUND: Recovery = {
  since: 0,
  live: 0,
  byType: new Map(),
  recovered: 0,
  lost: [],
  unknownLive: [],
  duplicates: 0,
  unusable: 0,
  foreign: 0,
  postponed: 0,
  failed: null,
};

const beat = () => store.heartbeat({ id: 'before', startedAt: 0, routeSet: null, refusal: null });
const owed = async () => owedOf((await store.setting('recovery')).value);
/** In steps that are too small to count as a freeze. */
async function passes(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    now += 10_000;
    const before = looks;
    await vi.waitFor(() => expect(looks).toBeGreaterThan(before), { timeout: 10_000, interval: 2 });
  }
}
const ran = (times: number) => vi.waitFor(() => expect(runs).toHaveLength(times), 10_000);

test('at a start it asks for the time since the last heartbeat, and once more later', async () => {
  await beat();
  // The heartbeat has the store's time, which has continued meanwhile.
  now = Date.now() + 1_000;
  await schedule.start();
  await ran(1);
  expect(Math.abs((runs[0] ?? 0) - now)).toBeLessThan(10_000);
  await vi.waitFor(async () => expect((await owed()).askedAt).toBe(now), 10_000);
  await passes(10 * 60_000);
  await ran(2);
  await vi.waitFor(async () => expect((await owed()).since).toBeNull(), 10_000);
});

test('a start notes the time since the last heartbeat before ours may be written, however often it takes', async () => {
  await beat();
  now = Date.now() + 60_000;
  const failing = new Set<keyof Store>(['replicas']);
  const shaky = new Proxy(store, {
    get: (target, name: keyof Store) =>
      failing.delete(name)
        ? async () => {
            throw new StoreUnavailable('is away');
          }
        : target[name],
  });
  const asking = Promise.withResolvers<Partial<Recovery>>();
  answer = () => asking.promise;
  schedule = open(shaky);
  await schedule.start();
  expect(failures).toHaveLength(1);
  const { since } = await owed();
  expect(Math.abs((since ?? 0) - Date.now())).toBeLessThan(30_000);
  asking.resolve({});
});

test('a start does not wait for what would fail again', async () => {
  const broken = new Proxy(store, {
    get: (target, name: keyof Store) =>
      name === 'replicas' ? () => Promise.reject(new Error('broken')) : target[name],
  });
  schedule = open(broken);
  await schedule.start();
  expect(failures).toEqual(['Error: broken']);
});

test('a store whose clock is ahead of ours, because that was set back, is asked for the same time', async () => {
  await beat();
  now = Date.now() - 3_600_000;
  await schedule.start();
  await ran(1);
  expect(Math.abs((runs[0] ?? 0) - now)).toBeLessThan(10_000);
});

test('a new store has missed nothing', async () => {
  await schedule.start();
  schedule.missed(now - 5_000);
  await ran(1);
  expect(runs).toEqual([now - 5_000]);
});

test('a store that fails is asked about once it works again', async () => {
  await schedule.start();
  await passes(10_000);
  storeFails = true;
  const since = now;
  now += 1_000;
  const before = failing;
  await vi.waitFor(() => expect(failing).toBeGreaterThan(before + 1), 10_000);
  expect(runs).toEqual([]);
  storeFails = false;
  await ran(1);
  expect(runs).toEqual([since]);
});

test('one that dies or fails leaves what is owed to the next process', async () => {
  answer = () => Promise.reject(new Error('no answer'));
  await schedule.start();
  schedule.missed(now - 60_000);
  await ran(1);
  await vi.waitFor(() => expect(failures).toEqual(['Error: no answer']), 10_000);
  await schedule.stop();
  answer = async () => ({ failed: 'HTTP 403' });
  schedule = open();
  await schedule.start();
  await ran(2);
  expect(runs[1]).toBe(now - 60_000);
  expect((await owed()).since).toBe(now - 60_000);
});

test('after our clock was set back, Telnyx is asked for the time before, and once', async () => {
  now += 3_600_000;
  await schedule.start();
  schedule.missed(now);
  await ran(1);
  await vi.waitFor(async () => expect((await owed()).askedAt).toBe(now), 10_000);
  now -= 3_600_000;
  await ran(2);
  expect(runs[1]).toBe(now - 5 * 60_000);
  await vi.waitFor(async () => expect((await owed()).askedAt).toBe(now), 10_000);
  await passes(120_000);
  expect(runs).toHaveLength(2);
});

test('what may be a stranger’s is asked about, and again only later if Telnyx had nothing', async () => {
  await schedule.start();
  schedule.missed(now, 'perhaps');
  await ran(1);
  await vi.waitFor(async () => expect((await owed()).inVain).toBe(1), 10_000);
  schedule.missed(now + 1, 'perhaps');
  await passes(90_000);
  expect(runs).toHaveLength(1);
  answer = async () => ({ recovered: 1 });
  await passes(30_000);
  await ran(2);
  await vi.waitFor(async () => expect((await owed()).inVain).toBe(0), 10_000);
});

test('a stop does not wait for Telnyx', async () => {
  let stopped = false;
  schedule = createRecoverySchedule({
    store,
    run: (since, signal) =>
      new Promise((_, reject) => {
        runs.push(since);
        signal.addEventListener('abort', () => {
          stopped = true;
          reject(signal.reason);
        });
      }),
    storeFails: () => false,
    now: () => now,
    onDone() {},
    onFailed: (error) => void failures.push(String(error)),
    lookEveryMs: 5,
  });
  await schedule.start();
  schedule.missed(now);
  await ran(1);
  await schedule.stop();
  expect(stopped).toBe(true);
  expect(failures).toEqual([]);
  // It is still owed.
  expect((await owed()).since).toBe(now);
});

test('a stop during the start is the end of it', async () => {
  const read = Promise.withResolvers<void>();
  const slow = new Proxy(store, {
    get: (target, name: keyof Store) =>
      name === 'replicas' ? () => read.promise.then(() => target.replicas()) : target[name],
  });
  schedule = open(slow);
  const starting = schedule.start();
  await schedule.stop();
  read.resolve();
  await starting;
  expect(looks).toBe(0);
});
