/** A database whose clock is stepped: deadlines keep their duration as far as possible. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/open.ts';
import { ClockSteps } from '../../../src/store/postgres/clock-steps.ts';
import type { Store, StoreNotice } from '../../../src/store/store.ts';
import { aCall, aUnit } from '../../helpers/documents.ts';
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
});
