/** The store's clock while the wall clock is stepped. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { type Clocks, StoreTime, type TimeBase } from '../../../src/store/sqlite/store-time.ts';
import type { Store, StoreNotice } from '../../../src/store/store.ts';
import { aCall, aCommand, aUnit } from '../../helpers/documents.ts';

const START = Date.parse('2026-03-02T12:00:00Z');
const DAY = 86_400_000;

/** A machine whose clocks only change when the test sets them. */
function machine(boot: string | null = 'a boot') {
  let wall = START;
  let sinceBoot = 5_000;
  const clocks: Clocks = { wall: () => wall, sinceBoot: () => sinceBoot, boot };
  return {
    clocks,
    passes(ms: number) {
      wall += ms;
      sinceBoot += ms;
    },
    /** Steps the wall clock. A suspended machine looks the same: only its wall clock advances. */
    steps(ms: number) {
      wall += ms;
    },
    boots(name: string) {
      clocks.boot = name;
      sinceBoot = 100;
    },
  };
}

describe('the clock', () => {
  const on = (clocks: Clocks, base: TimeBase | null = null) => {
    const steps: [number, number][] = [];
    return { time: new StoreTime(clocks, base, (...step) => steps.push(step)), steps };
  };

  test.each([-100_000, 100_000, -DAY, 40 * DAY])(
    'goes on as if nothing had been when the wall clock is set by %i ms, and says so once',
    (ms) => {
      const its = machine();
      const { time, steps } = on(its.clocks);
      its.passes(1_000);
      its.steps(ms);
      expect(Math.abs(time.now() - (START + 1_000))).toBeLessThan(50);
      its.passes(5_000);
      expect(Math.abs(time.now() - (START + 6_000))).toBeLessThan(200);
      expect(steps).toEqual([[ms, expect.any(Number)]]);
      expect(steps[0]?.[1]).toBeCloseTo(ms, -2);
    },
  );

  test('nears the wall clock without ever going back, and stays with it', () => {
    const its = machine();
    const { time } = on(its.clocks);
    its.steps(-100_000);
    let last = time.now();
    for (let secs = 0; secs < 2 * 3_600; secs += 1) {
      its.passes(1_000);
      const now = time.now();
      expect(now).toBeGreaterThan(last);
      last = now;
    }
    expect(last).toBe(its.clocks.wall());
  });

  test('is set where nothing waits', () => {
    const its = machine();
    const { time } = on(its.clocks);
    its.steps(-3_600_000);
    time.now();
    time.follow();
    expect(time.now()).toBe(its.clocks.wall());
  });

  test('goes on over a restart by the time that has really passed', () => {
    const its = machine();
    const before = on(its.clocks).time;
    its.steps(-100_000);
    const base = before.base();
    its.passes(30_000);
    const { time, steps } = on(its.clocks, base);
    expect(Math.abs(time.now() - (START + 30_000))).toBeLessThan(1_000);
    expect(steps).toHaveLength(1);
  });

  test('after a boot goes by the wall clock, but never back behind what was stored', () => {
    const its = machine();
    const base = on(its.clocks).time.base();
    its.passes(60_000);
    its.boots('another');
    expect(on(its.clocks, base).time.now()).toBe(START + 60_000);
    its.steps(-DAY);
    expect(on(its.clocks, base).time.now()).toBe(START);
  });

  test('set far ahead it proves nothing until a webhook was believed', () => {
    const its = machine();
    const base = on(its.clocks).time.base();
    its.boots('another');
    its.steps(40 * DAY);
    const { time } = on(its.clocks, base);
    expect(time.now()).toBe(START + 40 * DAY);
    expect(time.provenNow()).toBe(START);
    time.proven();
    expect(time.provenNow()).toBe(START + 40 * DAY);
  });
});

describe('a store', () => {
  let folder: string;
  let store: Store;
  let its: ReturnType<typeof machine>;
  let notices: StoreNotice[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'referee-time-'));
    its = machine();
    notices = [];
    store = await open();
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  function open(): Promise<Store> {
    const { clocks } = its;
    const onNotice = (notice: StoreNotice) => void notices.push(notice);
    return openStore({ kind: 'sqlite', path: join(folder, 'referee.db') }, { clocks, onNotice });
  }

  async function withDeadline(inMs: number): Promise<void> {
    const { now } = await store.due(1);
    const deadline = {
      name: 'attempt',
      n: 1,
      dueAt: now + inMs,
      setAt: now,
      putOff: false,
    } as const;
    const call = aCall('v3:a', { createdAt: now, deadlines: [deadline] });
    await store.commit([aUnit(call, 0)], null);
  }
  const due = async () => (await store.due(10)).due.map(({ callId }) => callId);

  test('of two route sets of one millisecond the one in use is first, whatever their hashes', async () => {
    const set = (hash: string) => ({
      hash,
      role: 'live' as const,
      who: 'start',
      commit: null,
      files: [],
    });
    await store.keepRouteVersion(set('a'), null);
    await store.keepRouteVersion(set('b'), 'a');
    const versions = await store.routeVersions(10);
    expect(versions.map(({ hash, at }) => [hash, at])).toEqual([
      ['b', START],
      ['a', START],
    ]);
  });

  test.each([-100_000, 100_000])(
    'moves no deadline when the wall clock is set by %i ms',
    async (ms) => {
      await withDeadline(5_000);
      its.steps(ms);
      its.passes(4_500);
      expect(await due()).toEqual([]);
      its.passes(700);
      expect(await due()).toEqual(['v3:a']);
      expect(notices).toMatchObject([{ kind: 'clock_stepped', clock: 'system', stepMs: ms }]);
    },
  );

  test.each([-100_000, 100_000])('nor when it was restarted after that (%i ms)', async (ms) => {
    await withDeadline(30_000);
    its.steps(ms);
    await store.ping();
    await store.close();
    its.passes(20_000);
    store = await open();
    expect(await due()).toEqual([]);
    its.passes(11_000);
    expect(await due()).toEqual(['v3:a']);
  });

  test('is set to the wall clock once no call waits for a time', async () => {
    its.steps(-3_600_000);
    await due();
    expect((await store.due(1)).now).toBe(its.clocks.wall());
  });

  test('a command that was cancelled while it was claimed waits for no time', async () => {
    const commands = [aCommand('c1', 'v3:a')];
    const claim = { owner: 'this', leaseMs: 10_000 };
    await store.commit([aUnit(aCall('v3:a'), 0, { commands })], claim);
    its.steps(-3_600_000);
    await due();
    expect((await store.due(1)).now).toBe(START);
    await store.commit([aUnit(aCall('v3:a'), 1, { cancel: ['c1'] })], null);
    await due();
    expect((await store.due(1)).now).toBe(its.clocks.wall());
  });

  test('does not call its history old because the wall clock was set 40 days ahead', async () => {
    await store.commit([aUnit(aCall('v3:old', { endedAt: START - DAY }), 0)], null);
    its.steps(40 * DAY);
    await due();
    expect((await store.due(1)).now).toBe(its.clocks.wall());
    expect(await store.provenNow()).toBeLessThan(START + 1_000);
    await store.commit([aUnit(aCall('v3:new', { heardAt: its.clocks.wall() }), 0)], null);
    expect(await store.provenNow()).toBe(its.clocks.wall());
  });

  test('nor after a boot 40 days ahead, although a call is recovered from Telnyx’s list', async () => {
    await store.commit([aUnit(aCall('v3:old', { endedAt: START - DAY }), 0)], null);
    await store.ping();
    await store.close();
    its.boots('another');
    its.steps(40 * DAY);
    store = await open();
    await store.commit([aUnit(aCall('v3:missed', { heardAt: null }), 0)], null);
    expect((await store.due(1)).now).toBe(its.clocks.wall());
    expect(await store.provenNow()).toBeLessThan(START + 1_000);
    await store.commit([aUnit(aCall('v3:new', { heardAt: its.clocks.wall() }), 0)], null);
    expect(await store.provenNow()).toBe(its.clocks.wall());
  });
});
