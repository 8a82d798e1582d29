/** Commands that read show the same of a server that REFEREE_URL names as of its database. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { HOURLY_SUMS } from '../../src/store/rows/fold.ts';
import { aCall, anAttempt, anEntry, aUnit } from '../helpers/documents.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { written } from '../helpers/written.ts';

let app: ServedApp;
let folder: string;
beforeAll(async () => {
  app = await serveApp();
  folder = await mkdtemp(join(tmpdir(), 'referee-over-http-'));
  writeFileSync(
    join(folder, 'main.yaml'),
    'schedules: { office: { zone: UTC, open: [ "mon-fri 09:00-17:30" ] } }\nrules: [ { name: a, when: { schedule: office }, do: [ hangup ] } ]\notherwise: [ { reject: declined } ]\n',
  );
  const at = Date.now() - 120_000;
  const attempt = anAttempt('a-1', {
    verdict: 'busy',
    sipNotifyResponse: 486,
    final: true,
    startedAt: at,
    endedAt: at + 400,
  });
  const ended = { phase: 'ended' as const, endedAt: at + 5_000, decided: true };
  await app.store.commit(
    [
      aUnit(
        aCall('v3:one', {
          ...ended,
          createdAt: at,
          ends: 'failed',
          rule: 'support',
          attempts: [attempt],
          costs: [
            { legId: 'v3:one', eventId: 'c', part: 'sip', currency: 'USD', amount: '0.1020' },
          ],
        }),
        0,
        {
          tally: new Map([[HOURLY_SUMS, { waits: 0 }]]),
          events: [
            anEntry('e-1', { at, trace: [{ rule: 'support', matched: true, why: 'to: it is' }] }),
          ],
        },
      ),
      aUnit(aCall('v3:leg', { ...ended, createdAt: at + 1, parentId: 'v3:one' }), 0),
      aUnit(
        aCall('v3:two', {
          ...ended,
          createdAt: at + 10,
          ends: 'abandoned',
          facts: { from: '+1\u001b[31m\u202e999', to: '+14155550120' },
        }),
        0,
        { tally: new Map([[HOURLY_SUMS, { waits: 0 }]]) },
      ),
    ],
    null,
  );
  await app.store.fold(10);
  await app.api('/v1/schedules/office/override', {
    method: 'POST',
    body: JSON.stringify({ open: false, until: '2099-01-01T00:00:00Z', reason: 'flood' }),
  });
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const run = (argv: string[], env: Record<string, string>, isTTY = false) =>
  written((io) => runCli(argv, io), { env, isTTY });

const overHttp = () => ({ REFEREE_URL: `${app.url}/`, REFEREE_TOKEN: ADMIN_TOKEN });
const inStore = () => ({ DATABASE_URL: app.databaseUrl, REFEREE_URL: '' });

test.each([
  ['calls'],
  ['calls', '--json'],
  ['calls', '--csv'],
  ['calls', '--legs', 'all', '--limit', '2'],
  ['calls', '--q', '0120', '--since', '1h', '--until', '0s', '--json'],
  ['calls', '--outcome', 'not_reached', '--rule', 'support', '--verdict', 'busy'],
  ['calls', '--rule', 'nobody'],
  ['calls', 'v3:one'],
  ['calls', 'v3:one', '--json', '--utc'],
  ['calls', '+14155550120'],
  ['calls', 'v3:nobody'],
  ['stats'],
  ['stats', '--csv'],
  ['report', '--by', 'rule', '--compare', 'week'],
  ['report', '--json', '--zone', 'Asia/Kolkata'],
  ['report', '--csv', '--by', 'hour', '--from', '3h'],
  ['schedule', '--at', '2026-03-02T12:00:00Z', '--json'],
])('%s %s %s %s', async (...argv) => {
  const routes = argv[0] === 'schedule' ? ['--routes', folder] : [];
  const [here, there] = [
    await run([...argv, ...routes], inStore()),
    await run([...argv, ...routes], overHttp()),
  ];
  expect(there).toEqual(here);
  expect(here.out + here.err).not.toBe('');
  if (argv[0] === 'schedule') expect(JSON.parse(here.out).schedules[0].overridden).toBe(true);
});

test('numbers of stats are those of the server, but for the moment of asking', async () => {
  const [here, there] = [
    await run(['stats', '--json'], inStore()),
    await run(['stats', '--json'], overHttp()),
  ];
  expect({ ...JSON.parse(there.out), now: 0 }).toEqual({ ...JSON.parse(here.out), now: 0 });
});

test('what the server does not hand out needs the database, and says so', async () => {
  for (const argv of [['calls', '--verify'], ['calls', '--export', '-'], ['replay']]) {
    const routes = argv[0] === 'replay' ? ['--routes', folder] : [];
    expect(await run([...argv, ...routes], overHttp())).toEqual({
      code: 2,
      out: '',
      err: expect.stringContaining('needs the database'),
    });
  }
});

test('a wrong address or token is named, and never shown', async () => {
  const says = async (env: Record<string, string>) => {
    const { code, err } = await run(['calls'], { ...overHttp(), ...env });
    expect(code).toBe(1);
    return err;
  };
  expect(await says({ REFEREE_TOKEN: '', ADMIN_TOKEN: '' })).toContain('set REFEREE_TOKEN');
  expect(await says({ REFEREE_TOKEN: 'x'.repeat(30) })).toContain('answered 401');
  expect(await says({ REFEREE_TOKEN: 'sécret' })).not.toContain('sécret');
  expect(await says({ REFEREE_URL: 'ftp://x' })).toContain('expected http');
  expect(await says({ REFEREE_URL: 'http://anna:geheim@x' })).not.toContain('geheim');
  expect(await says({ REFEREE_URL: 'http://127.0.0.1:1' })).toContain('does not answer');
  expect(await says({ REFEREE_URL: `${app.url}/elsewhere` })).toContain('404');
});

test('a narrow terminal leaves out what matters least; elsewhere all columns stand', async () => {
  const widest = (text: string) =>
    Math.max(
      ...text
        .split('\n')
        .slice(2)
        .map((l) => l.length),
    );
  const argv = ['report', '--by', 'rule'];
  const narrow = await run(argv, { ...inStore(), COLUMNS: '60' }, true);
  expect(widest(narrow.out)).toBeLessThanOrEqual(60);
  expect(narrow.out).toContain('REACHED');
  expect(narrow.out).not.toContain('P95');
  const all = await run(argv, { ...inStore(), COLUMNS: '60' });
  expect(all.out).toContain('P95');
});

test('a wrong command line is 2, of every command', async () => {
  for (const argv of [
    ['calls', '--nonsense'],
    ['stats', '--since', 'yesterday'],
    ['report', '--by', 'moon'],
    ['schedule', '--at', 'noon'],
    ['route'],
    ['check', '--nonsense'],
    ['nonsense'],
  ]) {
    expect([argv, (await run(argv, inStore())).code]).toEqual([argv, 2]);
  }
  expect((await run(['calls', '--help'], inStore())).code).toBe(0);
});
