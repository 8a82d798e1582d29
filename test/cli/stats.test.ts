/** `referee stats` while a writer has the store open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, anAttempt, aUnit } from '../helpers/documents.ts';
import { written } from '../helpers/written.ts';

let folder: string;
let path: string;
let store: Store;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-stats-'));
  path = join(folder, 'referee.db');
  store = await openStore({ kind: 'sqlite', path });
  const now = Date.now();
  const cost = (amount: string, currency = 'USD') => ({
    legId: 'leg',
    eventId: 'e',
    part: 'call-control',
    currency,
    amount,
  });
  const call = (id: string, ageMs: number, costs: ReturnType<typeof cost>[], key = '+4930*') =>
    aUnit(
      aCall(id, {
        createdAt: now - ageMs,
        endedAt: now,
        phase: 'ended',
        ends: 'referred',
        rule: 'support',
        rows: [{ table: 'lines', key, of: 'to' }],
        attempts: [anAttempt(`${id}-1`, { verdict: 'completed', startedAt: now - ageMs })],
        costs,
      }),
      0,
    );
  await store.commit(
    [
      call('one', 60_000, [cost('0.1')]),
      call('two', 60_000, [cost('0.2'), cost('1.50', 'EUR')], '+4930901820'),
      call('old', 3 * 3_600_000, [cost('7')]),
    ],
    null,
  );
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const referee = (...argv: string[]) =>
  written((io) => runCli(argv, io), { env: { DATABASE_URL: `sqlite:${path}`, ENV_FILE: '' } });

test('the last hour by rule and target, with exact sums of what it cost', async () => {
  const { code, out } = await referee('stats');
  expect(code).toBe(0);
  expect(out).toContain('2 calls, 0 live now');
  expect(out).toContain('Arrived: 2 of 2 (100 %)');
  expect(out).toMatch(/^Cost: (0\.3 USD, 1\.50 EUR|1\.50 EUR, 0\.3 USD)$/m);
  expect(out).toMatch(/^support +2 +100 % +.*0\.3 USD/m);
  expect(out).toMatch(/^support-us +2 +100 % +.*0\.3 USD/m);
});

test('each row of a table that decided, and what became of its callers', async () => {
  const { out } = await referee('stats');
  expect(out).toMatch(/^ROW OF lines +CALLS +REACHED +NOT REACHED +GAVE UP +ARRIVED$/m);
  expect(out).toMatch(/^\+4930\* +1 +1 +0 +0 +100 %$/m);
  expect(out).toMatch(/^all rows +2 +2 +0 +0 +100 %$/m);
  const { tables } = JSON.parse((await referee('stats', '--since', '1d', '--json')).out);
  expect(tables).toMatchObject([
    {
      table: 'lines',
      calls: 3,
      rows_used: 2,
      by_outcome: [{ outcome: 'reached', count: 3 }],
      rows: [
        { key: '+4930*', calls: 2, arrival_rate: 1 },
        { key: '+4930901820', calls: 1, moved: 1 },
      ],
    },
  ]);
  const { out: csv } = await referee('stats', '--csv');
  expect(csv).toMatch(/^table,lines,2,1,,,,\r$/m);
  expect(csv).toMatch(/^row,lines:\+4930901820,1,1,,,,\r$/m);
});

test('from another time on, as the API answers it', async () => {
  const { out } = await referee('stats', '--since', '1d', '--json');
  expect(JSON.parse(out)).toMatchObject({
    calls: { total: 3, costs: expect.arrayContaining([{ currency: 'USD', amount: '7.3' }]) },
  });
});

test('more than a day is refused as a server refuses it, with the command that has it', async () => {
  const { code, out, err } = await referee('stats', '--since', '2d');
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain('the last 24 hours; for longer: referee report --from 2d.');
  expect((await referee('stats', '--since', '24h')).code).toBe(0);
});

test('a time that is none, lies ahead, or a store that is not there is said', async () => {
  expect((await referee('stats', '--since', 'yesterday')).err).toContain('15m');
  expect((await referee('stats', '--since', '2999-01-01T00:00Z')).err).toContain('future');
  path = join(folder, 'missing.db');
  const { code, err } = await referee('stats');
  expect([code, err]).toEqual([1, expect.stringContaining('there is no such file')]);
});
