/** The counts of recent activity are the same on every store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call } from '../../../src/core/machine/call.ts';
import type { Activity } from '../../../src/store/contract/activity.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';
import { freshDatabase } from '../../helpers/postgres.ts';

const MINUTE = 60_000;
const T0 = 1_700_000_040_000;

const STORES = {
  async SQLite() {
    const folder = await mkdtemp(join(tmpdir(), 'referee-activity-'));
    const store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
    return { store, end: () => rm(folder, { recursive: true }) };
  },
  async PostgreSQL() {
    const { url, drop } = await freshDatabase();
    return { store: await openStore({ kind: 'postgres', url }), end: drop };
  },
};

describe.each(Object.entries(STORES))('%s', (_name, open) => {
  let store: Store;
  let end: () => Promise<void>;
  beforeAll(async () => {
    ({ store, end } = await open());
    await store.commit(
      CALLS.map((call) => aUnit(call, 0)),
      null,
    );
  });
  afterAll(async () => {
    await store.close();
    await end();
  });

  test('calls of the span are counted by minute, rule and end', async () => {
    const { calls, since, now } = await store.activity(T0, 1_000);
    expect(since).toBe(T0);
    expect(Math.abs(now - Date.now())).toBeLessThan(5_000);
    expect(sorted(calls)).toEqual(
      sorted([
        { minute: T0, rule: 'support', ends: 'referred', attempts: 1, count: 2 },
        { minute: T0, rule: null, ends: null, attempts: 1, count: 1 },
        { minute: T0 + MINUTE, rule: 'sales', ends: 'failed', attempts: 2, count: 1 },
      ]),
    );
  });

  test('attempts are counted by rule, target, way of moving and verdict, with the time each took', async () => {
    const { attempts } = await store.activity(T0, 1_000);
    expect(
      sorted(attempts.map((group) => ({ ...group, tookMs: group.tookMs.toSorted() }))),
    ).toEqual(
      sorted([
        attemptsOf(T0, 'support', 'support-us', 'completed', [500, 700]),
        attemptsOf(T0 + MINUTE, 'sales', 'support-us', 'busy', [2_000]),
        // Nothing was sent, so there is no duration.
        attemptsOf(T0 + MINUTE, 'sales', 'support-eu', 'rejected', [], {
          count: 1,
          kind: 'transfer',
        }),
        // Still open: no verdict and no duration.
        attemptsOf(T0, null, 'support-eu', null, [], { count: 1 }),
      ]),
    );
  });

  test('calls are counted by the rows of tables that decided them, whatever the number of rows', async () => {
    const { rows } = await store.activity(T0, 1_000);
    expect(sorted(rows)).toEqual(
      sorted([
        { table: 'lines', key: '+4930901820', ends: 'referred', attempts: 1, count: 2 },
        { table: 'lines', key: '+49*', ends: 'failed', attempts: 2, count: 1 },
        { table: 'vip', key: 'sip:"ann"', ends: 'failed', attempts: 2, count: 1 },
      ]),
    );
  });

  test('attempts that called nobody are counted apart: passed over, or Telnyx was never asked', async () => {
    const since = T0 - 10 * MINUTE;
    const { calls, rows, attempts } = await store.activity(since, 1_000);
    const hunted = attempts.filter(({ rule }) => rule === 'hunt');
    expect(hunted.map(({ verdict }) => verdict).sort()).toEqual(['completed', 'skipped']);
    expect(calls).toContainEqual({
      minute: since,
      rule: 'hunt',
      ends: 'referred',
      attempts: 4,
      untried: 3,
      count: 1,
    });
    expect(rows).toContainEqual({
      table: 'hunts',
      key: 'a',
      ends: 'referred',
      attempts: 4,
      untried: 3,
      count: 1,
    });
  });

  test('a late verdict changes the counts', async () => {
    const id = 'open';
    const found = await store.find(id);
    if (!found) throw new Error('no call');
    const [attempt] = found.call.attempts;
    if (!attempt) throw new Error('no attempt');
    const ended = { ...attempt, verdict: 'no_answer' as const, endedAt: T0 + 9_000 };
    await store.commit([aUnit({ ...found.call, attempts: [ended] }, found.version)], null);
    const { attempts } = await store.activity(T0, 1_000);
    expect(attempts).toContainEqual(attemptsOf(T0, null, 'support-eu', 'no_answer', [9_000]));
  });

  test('calls that live now are counted whenever they came', async () => {
    const { live } = await store.activity(T0 + 10 * MINUTE, 1_000);
    expect(sorted(live)).toEqual([
      { phase: 'bridged', count: 1 },
      { phase: 'referring', count: 1 },
    ]);
  });

  test('beyond the limit only the newest are counted, and the answer says from when', async () => {
    const { calls, since } = await store.activity(0, 2);
    expect(calls.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    expect(since).toBeGreaterThanOrEqual(T0);
  });

  test('an empty span is empty', async () => {
    expect(await store.activity(T0 + 10 * MINUTE, 1_000)).toMatchObject({
      calls: [],
      attempts: [],
    });
  });
});

function attemptsOf(
  minute: number,
  rule: string | null,
  target: string,
  verdict: Activity['attempts'][number]['verdict'],
  tookMs: number[],
  { count = tookMs.length, kind = 'refer' as 'refer' | 'transfer' } = {},
) {
  return { minute, rule, target, kind, verdict, count, tookMs };
}

function sorted<T>(list: T[]): T[] {
  return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function done(id: string, createdAt: number, took: number): Call {
  const attempt = anAttempt(`${id}-1`, {
    startedAt: createdAt,
    acceptedAt: createdAt + 100,
    endedAt: createdAt + 100 + took,
    verdict: 'completed',
  });
  return aCall(id, {
    createdAt,
    endedAt: createdAt + 5_000,
    phase: 'ended',
    ends: 'referred',
    rule: 'support',
    rows: [{ table: 'lines', key: '+4930901820', of: 'to' }],
    attempts: [attempt],
  });
}

const CALLS = [
  aCall('hunted', {
    createdAt: T0 - 10 * MINUTE,
    endedAt: T0 - 9 * MINUTE,
    phase: 'ended',
    ends: 'referred',
    rule: 'hunt',
    rows: [{ table: 'hunts', key: 'a', of: 'to' }],
    attempts: (['skipped', 'skipped', 'no_verdict', 'completed'] as const).map((verdict, n) =>
      anAttempt(`hunted-${n}`, {
        startedAt: T0 - 10 * MINUTE,
        endedAt: T0 - 9 * MINUTE,
        verdict,
        unsent: verdict !== 'completed',
      }),
    ),
  }),
  aCall('long ago', { createdAt: T0 - 3 * MINUTE, phase: 'bridged', rule: 'support' }),
  done('one', T0, 500),
  done('two', T0 + 1_000, 700),
  aCall('open', {
    createdAt: T0 + 2_000,
    phase: 'referring',
    attempts: [anAttempt('open-1', { startedAt: T0, target: 'support-eu' })],
  }),
  aCall('failed', {
    createdAt: T0 + MINUTE,
    endedAt: T0 + 2 * MINUTE,
    phase: 'ended',
    ends: 'failed',
    rule: 'sales',
    rows: [
      { table: 'lines', key: '+49*', of: 'to' },
      { table: 'vip', key: 'sip:"ann"', of: 'from' },
    ],
    attempts: [
      anAttempt('failed-1', {
        startedAt: T0 + MINUTE,
        endedAt: T0 + MINUTE + 2_000,
        verdict: 'busy',
      }),
      anAttempt('failed-2', {
        startedAt: T0 + MINUTE,
        endedAt: T0 + MINUTE,
        verdict: 'rejected',
        unsent: true,
        kind: 'transfer',
        target: 'support-eu',
      }),
    ],
  }),
];
