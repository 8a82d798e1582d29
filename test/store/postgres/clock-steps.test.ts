/** A database whose clock is stepped: deadlines keep their duration as far as possible. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { ClockSteps } from '../../../src/store/postgres/clock-steps.ts';
import type { Store, StoreNotice } from '../../../src/store/store.ts';
import { aCall, aCommand, aUnit } from '../../helpers/documents.ts';
import { freshDatabase, type TestDatabase } from '../../helpers/postgres.ts';
import { waitFor } from '../../helpers/waiting.ts';

describe('what was seen of a clock', () => {
  const NOW = 1_800_000_000_000;

  /** Readings of a clock that is correct and then stepped by `ms` at the third reading. */
  function looked(ms: number) {
    const steps = new ClockSteps();
    const seen = [0, 200, 400].map((at) => steps.saw(NOW + at + (at < 400 ? 0 : ms), at, at + 5));
    return { steps, seen, now: NOW + 400 + ms };
  }

  test.each([0, 900, -900])('%i ms is the network or a drift', (ms) => {
    expect(looked(ms).seen).toEqual([0, 0, 0]);
  });

  test('an answer that took long shows no step', () => {
    const steps = new ClockSteps();
    steps.saw(NOW, 0, 5);
    expect(steps.saw(NOW + 60_000, 200, 78_000)).toBe(0);
    expect(steps.saw(NOW + 78_300, 78_200, 78_205)).toBe(0);
  });

  test.each([100_000, -100_000])('%i ms is a step, seen once', (ms) => {
    const { steps, seen, now } = looked(ms);
    expect(Math.abs((seen[2] ?? 0) - ms)).toBeLessThan(20);
    expect(steps.saw(now + 200, 600, 605)).toBe(0);
  });

  test.each([100_000, -100_000])('after %i ms what was set before keeps its time', (ms) => {
    const { steps, now } = looked(ms);
    const before = { setAt: NOW + 100, dueAt: NOW + 5_100 };
    expect(Math.abs(steps.dueAt(before, now) - (before.dueAt + ms))).toBeLessThan(20);
    const newer = { setAt: now, dueAt: now + 5_000 };
    expect(steps.dueAt(newer, now + 100)).toBe(newer.dueAt);
  });

  test.each([3_600_000, -3_600_000])(
    'after %i ms and back nothing is due at another time',
    (ms) => {
      const { steps, now } = looked(ms);
      steps.saw(now + 5_000, 5_400, 5_405);
      const between = { setAt: now + 1_000, dueAt: now + 61_000 };
      const after = NOW + 10_400;
      expect(Math.abs(steps.saw(after, 10_400, 10_405) + ms)).toBeLessThan(20);
      const isDue = (deadline: { setAt: number; dueAt: number }, at: number) => {
        expect(Math.abs(steps.dueAt(deadline, after + 2_000) - at)).toBeLessThan(40);
      };
      isDue({ setAt: NOW + 100, dueAt: NOW + 60_100 }, NOW + 60_100);
      isDue(between, between.dueAt - ms);
      isDue({ setAt: after + 1_000, dueAt: after + 61_000 }, after + 61_000);
    },
  );
});

describe('a store whose database’s clock is set', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let store: Store;
  const notices: StoreNotice[] = [];

  beforeAll(async () => {
    database = await freshDatabase();
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    const name = new URL(database.url).pathname.slice(1);
    // The store's own schema is searched before PostgreSQL's, so this function is its clock.
    await admin.query(`
      create schema shifted;
      create table shifted.clock_shift (ms double precision not null);
      insert into shifted.clock_shift values (0);
      create function shifted.clock_timestamp() returns timestamptz language sql volatile as
        $$ select pg_catalog.clock_timestamp() + (select ms from shifted.clock_shift) * interval '1 ms' $$;
      alter database ${name} set search_path = public, shifted, pg_catalog`);
    const onNotice = (notice: StoreNotice) => void notices.push(notice);
    store = await openStore({ kind: 'postgres', url: database.url }, { onNotice });
  });
  afterAll(async () => {
    await store.close();
    await admin.end();
    await database.drop();
  });

  const setBy = (ms: number) => admin.query('update shifted.clock_shift set ms = ms + $1', [ms]);
  const due = async (id: string) => (await store.due(100)).due.some(({ callId }) => callId === id);

  async function withDeadline(id: string, inMs: number): Promise<void> {
    const { now } = await store.due(1);
    const deadline = {
      name: 'attempt',
      n: 1,
      dueAt: now + inMs,
      setAt: now,
      putOff: false,
    } as const;
    await store.commit([aUnit(aCall(id, { deadlines: [deadline] }), 0)], null);
  }

  test('back by 100 s: a deadline of two seconds falls in two seconds', async () => {
    await withDeadline('back', 2_000);
    await setBy(-100_000);
    expect(await due('back')).toBe(false);
    const from = performance.now();
    await waitFor(async () => expect(await due('back')).toBe(true));
    expect(performance.now() - from).toBeGreaterThan(1_000);
    expect(notices).toMatchObject([{ kind: 'clock_stepped', clock: 'database' }]);
  });

  test('forward by 100 s: one of a minute does not fall, one set since does when it should', async () => {
    await withDeadline('forward', 60_000);
    await setBy(100_000);
    expect(await due('forward')).toBe(false);
    await withDeadline('since', 300);
    await waitFor(async () => expect(await due('since')).toBe(true));
    expect(await due('forward')).toBe(false);
  });

  test('back by 100 s: a lease of a replica that has gone ends when it would have', async () => {
    const commands = [aCommand('left', 'v3:left')];
    const lease = { owner: 'gone', leaseMs: 2_000 };
    await store.commit([aUnit(aCall('v3:left'), 0, { commands })], lease);
    await setBy(-100_000);
    await due('v3:left');
    const claim = () => store.claim({ owner: 'another', leaseMs: 60_000 }, 10);
    expect(await claim()).toEqual([]);
    const from = performance.now();
    const claimed = await waitFor(async () => {
      const found = await claim();
      expect(found).toMatchObject([{ command: { id: 'left' }, tries: 2 }]);
      return found;
    });
    expect(performance.now() - from).toBeGreaterThan(500);
    // It may have been sent, and nobody can know how long ago.
    expect(claimed[0]?.firstSentAt).toBeGreaterThan(claimed[0]?.now ?? 0);
    const answered = { kind: 'retry', status: 429, detail: '', provenUnsent: true } as const;
    const retry = (inMs: number) => ({
      commandId: 'left',
      owner: 'another',
      outcome: { ...answered, afterMs: inMs },
      retryAt: (claimed[0]?.now ?? 0) + inMs,
    });
    await store.commit([aUnit(aCall('v3:left'), 1, { settle: [retry(30_000)] })], null);
    expect(await claim()).toEqual([]);
    await store.commit([aUnit(aCall('v3:left'), 2, { cancel: ['left'] })], null);
  });

  test('forward by 100 s: a command that waits keeps the time in which it may be sent', async () => {
    const { now } = await store.due(1);
    const commands = [{ ...aCommand('waits', 'v3:waits'), giveUpAt: now + 60_000 }];
    await store.commit([aUnit(aCall('v3:waits'), 0, { commands })], null);
    await setBy(100_000);
    await due('v3:waits');
    const [claimed] = await store.claim({ owner: 'this', leaseMs: 60_000 }, 10);
    expect(claimed?.command.id).toBe('waits');
    const leftMs = (claimed?.command.giveUpAt ?? 0) - (claimed?.now ?? 0);
    expect(leftMs).toBeGreaterThan(30_000);
    expect(leftMs).toBeLessThanOrEqual(61_000);
    expect((claimed?.now ?? 0) - (claimed?.createdAt ?? 0)).toBeLessThan(30_000);
  });

  test('back by 100 s before a start: what was set before is due when it would have been', async () => {
    await withDeadline('unseen', 2_000);
    await store.heartbeat({ id: 'before', startedAt: 0, routeSet: null, refusal: null });
    await setBy(-100_000);
    const started = await openStore({ kind: 'postgres', url: database.url });
    try {
      await waitFor(async () => {
        const { due } = await started.due(100);
        expect(due.map(({ callId }) => callId)).toContain('unseen');
      });
      // It is dead, and its last heartbeat is of a time that is still to come.
      expect((await started.replicas()).map(({ id }) => id)).not.toContain('before');
      await started.heartbeat({ id: 'after', startedAt: 0, routeSet: null, refusal: null });
      await setBy(100_000);
      expect((await started.replicas()).map(({ id }) => id)).toEqual(['after']);
    } finally {
      await started.close();
    }
  });

  test('40 days ahead, while it runs or at a start, it proves nothing until a webhook is taken', async () => {
    const DAY = 86_400_000;
    const { now } = await store.due(1);
    await store.heartbeat({ id: 'this', startedAt: now, routeSet: 'a', refusal: null });
    await setBy(40 * DAY);
    await due('v3:none');
    expect(await store.provenNow()).toBeLessThan(now + DAY);
    const started = await openStore({ kind: 'postgres', url: database.url });
    expect(await started.provenNow()).toBeLessThan(now + DAY);
    await started.commit([aUnit(aCall('v3:recovered', { heardAt: null }), 0)], null);
    expect(await started.provenNow()).toBeLessThan(now + DAY);
    await started.commit([aUnit(aCall('v3:taken', { heardAt: now + 40 * DAY }), 0)], null);
    expect(await started.provenNow()).toBeGreaterThan(now + 39 * DAY);
    await started.close();
  });
});
