/** `referee report` and GET /v1/reports on a real store. */
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { Io } from '../../src/cli/terminal/io.ts';
import { runCli } from '../../src/cli.ts';
import { REPORT } from '../../src/http/api/stats/reports.ts';
import { HOURLY_SUMS } from '../../src/store/contract/calls.ts';
import { aCall, anAttempt, aUnit } from '../helpers/documents.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { inZone } from '../helpers/written.ts';

const SPAN = 'from=2026-03-02T00:00:00Z&to=2026-03-04T00:00:00Z';
let app: ServedApp;
beforeAll(async () => {
  app = await serveApp({ deps: { now: () => Date.now() } });
  app.set.numbers = new Map([['+14155550100', 'Main office']]);
  const tally = new Map([[HOURLY_SUMS, { waits: 0 }]]);
  const call = (id: string, when: string, ends: 'referred' | 'failed') =>
    aUnit(
      aCall(id, {
        createdAt: Date.parse(when),
        endedAt: Date.parse(when),
        phase: 'ended',
        ends,
        rule: '=cmd()',
        label: 'Main office',
        rows: [{ table: 'lines', key: '+14155550100', of: 'to' }],
        attempts: [anAttempt(`${id}-a`, { verdict: 'busy', startedAt: 0, endedAt: 2_000 })],
      }),
      0,
      { tally },
    );
  await app.store.commit(
    [
      call('v3:1', '2026-03-02T10:10:00Z', 'referred'),
      call('v3:2', '2026-03-03T10:10:00Z', 'failed'),
      call('v3:3', '2026-02-23T10:10:00Z', 'failed'),
    ],
    null,
  );
  while ((await app.store.fold(10)) > 0);
});
afterAll(() => app.close());

/** Reads the database itself, unless `env` names a server. */
let env: Io['env'] = {};

async function referee(...argv: string[]) {
  const written = { out: '', err: '' };
  const io: Io = {
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    env: { DATABASE_URL: app.databaseUrl, ...env },
    isTTY: false,
  };
  return { code: await runCli(['report', ...argv], io), ...written };
}

test('the API answers what its schema says', async () => {
  const answer = await app.api(`/v1/reports?${SPAN}&by=day&compare=week`);
  const report = Value.Parse(REPORT, await answer.json());
  expect(report.rows.map(({ key, calls, before }) => [key, calls, before?.calls])).toEqual([
    ['2026-03-02', 1, 1],
    ['2026-03-03', 1, 0],
  ]);
  expect(report.total).toMatchObject({ calls: 2, reached_rate: 0.5, verdicts: { busy: 2 } });
});

test.each([
  ['from=2026-03-02', 'its zone is missing'],
  ['zone=Berlin', 'IANA'],
  ['to=2026-03-02T00:00:00Z&from=2026-03-03T00:00:00Z', 'not after'],
  ['by=week', 'by'],
])('%s is refused with the reason', async (query, words) => {
  const answer = await app.api(`/v1/reports?${query}`);
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(words);
});

test('as CSV, where a name is no formula', async () => {
  const answer = await app.api(`/v1/reports?${SPAN}&by=rule`, { headers: { accept: 'text/csv' } });
  const lines = (await answer.text()).split('\r\n');
  expect(lines[0]).toBe(
    'rule,calls,reached,not_reached,gave_up,unsure,turned_away,not_ours,reached_rate,attempts,moves,median_verdict_ms,p95_verdict_ms,costs',
  );
  expect(lines[1]).toMatch(/^'=cmd\(\),2,1,1,0,0,0,0,0\.5,2,2,/);
});

test('a number has its label, asked of the server as of the database', async () => {
  const span = ['--from', '2026-03-02T00:00:00Z', '--to', '2026-03-04T00:00:00Z', '--zone', 'UTC'];
  for (const [by, key] of [
    ['number', '+14155550100'],
    ['row', 'lines:+14155550100'],
  ] as const) {
    const answer = Value.Parse(
      REPORT,
      await (await app.api(`/v1/reports?${SPAN}&by=${by}`)).json(),
    );
    expect(answer.rows).toMatchObject([{ key, label: 'Main office', calls: 2 }]);
    expect(JSON.parse((await referee(...span, '--by', by, '--json')).out)).toEqual(answer);
    expect((await referee(...span, '--by', by)).out).toContain(`\n${key} (Main office) `);
    const { out } = await referee(...span, '--by', by, '--csv');
    expect(out).toMatch(new RegExp(`^${by},label,calls,.*\r\n.*${key.slice(-11)},Main office,2,`));
  }
});

test('the command line says the same, as text, JSON and CSV', async () => {
  const span = ['--from', '2026-03-02T00:00:00Z', '--to', '2026-03-04T00:00:00Z', '--zone', 'UTC'];
  const { out, code } = await referee(...span, '--compare', 'week');
  expect(code).toBe(0);
  expect(out).toMatch(/^From 2026-03-02T00:00:00Z to .*; days of UTC\nBefore: from 2026-02-23/);
  expect(out).toMatch(/\nDAY +CALLS +REACHED .*CALLS BEFORE +REACHED BEFORE\n2026-03-02 +1 +1 /);
  expect(out).toMatch(/\nall +2 +1 +1 .* 50 %/);
  const answer = await app.api(`/v1/reports?${SPAN}&by=rule`);
  expect(JSON.parse((await referee(...span, '--by', 'rule', '--json')).out)).toEqual(
    await answer.json(),
  );
  expect((await referee(...span, '--by', 'rule', '--csv')).out).toContain("\r\n'=cmd(),2,");
  expect((await referee('--from', '2026-03-02T00:00')).err).toContain('its zone is missing');
  expect((await referee('--zone', 'Mars')).err).toContain('IANA');
  expect((await referee('--zone', 'Asia/Kolkata', '--utc')).code).toBe(2);
});

test('times are those of the zone of the days, with their offset', async () => {
  const span = ['--from', '2026-03-02T00:00:00Z', '--to', '2026-03-03T00:00:00Z'];
  await inZone('Asia/Kolkata', async () => {
    const { out } = await referee(...span, '--by', 'hour');
    expect(out).toMatch(
      /^From 2026-03-02T05:30:00\+05:30 to \S+\+05:30; days of Asia\/(Kolkata|Calcutta)\n/,
    );
    expect(out).toMatch(/\n2026-03-02T15:30:00\+05:30 +1 /);
    const utc = await referee(...span, '--by', 'hour', '--utc');
    expect(utc.out).toMatch(/^From 2026-03-02T00:00:00Z to \S+Z; days of UTC\n/);
    expect(utc.out).toMatch(/\n2026-03-02T10:00:00Z +1 /);
  });
  const york = await referee(...span, '--by', 'day', '--zone', 'America/New_York');
  expect(york.out).toMatch(/^From 2026-03-01T19:00:00-05:00 to /);
});

test('after the system clock was set back, the newest calls are in a report all the same', async () => {
  // The clock of an SQLite store does not go back with it.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * 3_600_000 });
  onTestFinished(() => {
    vi.useRealTimers();
    env = {};
  });
  await app.store.ping();
  const { now } = await app.store.due(1);
  expect(now - Date.now()).toBeGreaterThan(7_000_000);
  const ended = { phase: 'ended', ends: 'referred', endedAt: now } as const;
  const tally = new Map([[HOURLY_SUMS, { waits: 0 }]]);
  await app.store.commit(
    [aUnit(aCall('newest', { createdAt: now, ...ended }), 0, { tally })],
    null,
  );
  while ((await app.store.fold(10)) > 0);
  const callsOf = (json: string) => JSON.parse(json).total.calls;
  expect(callsOf(await (await app.api('/v1/reports')).text())).toBe(1);
  for (const server of [{}, { REFEREE_URL: app.url, ADMIN_TOKEN }]) {
    env = server;
    expect(callsOf((await referee('--json')).out)).toBe(1);
  }
});
