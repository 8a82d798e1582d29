/** Commands that read show the same from the server that REFEREE_URL names as from its database. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { HOURLY_SUMS } from '../../src/store/contract/calls.ts';
import { aCall, anAttempt, anEntry, aUnit } from '../helpers/documents.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { inZone, written } from '../helpers/written.ts';

let app: ServedApp;
let folder: string;
let notJson: NotJson;
beforeAll(async () => {
  app = await serveApp();
  notJson = await serveHtml();
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
  await notJson.close();
  await rm(folder, { recursive: true });
});

interface NotJson {
  port: number;
  asked: string[];
  close(): Promise<unknown>;
}

/** A server that is not Referee and also redirects to itself. */
async function serveHtml(): Promise<NotJson> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const away = request.url?.startsWith('/away') === true;
    response.writeHead(away ? 302 : 200, away ? { location: '/taken' } : {}).end('<html>');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return once(server.close(), 'close');
  };
  return { port, asked, close };
}

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
  ['calls', '--csv', '--verdict', 'failed'],
  ['schedule', '--at', '2026-03-02T12:00:00Z', '--json'],
  ['schedule', '--at', '2026-03-02T12:00:00Z', '--csv'],
])('%s %s %s %s', async (...argv) => {
  const routes = argv[0] === 'schedule' ? ['--routes', folder] : [];
  const [here, there] = [
    await run([...argv, ...routes], inStore()),
    await run([...argv, ...routes], overHttp()),
  ];
  expect(there).toEqual(here);
  expect(here.out + here.err).not.toBe('');
  if (argv[0] !== 'schedule') return;
  if (argv.includes('--csv')) expect(here.out).toContain(',flood,admin,');
  else expect(JSON.parse(here.out).schedules[0].overridden).toBe(true);
});

test('the database is asked for labels and national numbers by the routes here', async () => {
  const routes = await mkdtemp(join(folder, 'labels-'));
  const text =
    'policy: { country: US }\nnumbers: { "+14155550120": Front desk }\notherwise: [ { reject: declined } ]\n';
  writeFileSync(join(routes, 'main.yaml'), text);
  const env = { ...inStore(), ROUTES_DIR: routes };
  const found = async (...argv: string[]) => {
    const { calls } = JSON.parse((await run(['calls', '--json', ...argv], env)).out);
    return calls.map(({ call_control_id: id }: { call_control_id: string }) => id);
  };
  expect(await found('--q', 'front DESK')).toEqual(['v3:two']);
  expect(await found('--q', 'back desk')).toEqual([]);
  for (const party of ['--to', '--number']) {
    expect([party, await found(party, '(415) 555-0120')]).toEqual([party, ['v3:two']]);
    expect([party, await found(party, '+1 415 555 0120')]).toEqual([party, ['v3:two']]);
  }
  // Without usable routes a search still finds what the calls themselves say.
  writeFileSync(join(routes, 'main.yaml'), 'rules: 1\n');
  expect(await found('--q', 'support')).toEqual(['v3:one']);
});

test('numbers of stats are those of the server, but for the moment of asking', async () => {
  const [here, there] = [
    await run(['stats', '--json'], inStore()),
    await run(['stats', '--json'], overHttp()),
  ];
  expect({ ...JSON.parse(there.out), now: 0 }).toEqual({ ...JSON.parse(here.out), now: 0 });
});

test('what always asks the server is the CSV that the API answers', async () => {
  await app.store.deadLetter({ no: 'event' }, '=HYPERLINK("http://x")\n at x', null);
  for (const [argv, path] of [
    [['targets'], '/v1/targets'],
    [['switch'], '/v1/switches'],
    [['dead-letters', '--limit', '1'], '/v1/dead-letters?limit=1'],
    [['list', 'audit', '--limit', '5'], '/v1/audit?limit=5'],
    [['list', 'problems'], '/v1/problems'],
    [['list', 'outbox'], '/v1/outbox'],
    [['list', 'versions'], '/v1/routes/versions'],
    [['list', 'lost-callers'], '/v1/lost-callers'],
  ] as const) {
    const { code, out, err } = await run([...argv, '--csv'], overHttp());
    const api = await app.api(path, { headers: { accept: 'text/csv' } });
    expect([code, out, err]).toEqual([0, await api.text(), '']);
    if (!path.startsWith('/v1/outbox') && !/versions|lost/.test(path)) {
      expect([path, out.split('\r\n').length > 2]).toEqual([path, true]);
    }
  }
  const audit = await run(['list', 'audit', '--limit', '1'], overHttp());
  expect(audit.out).toMatch(/^WHEN .*\n\S+ +admin +schedule_override +office +ok +flood\n$/);
  const outbox = await run(['list', 'outbox'], overHttp());
  expect(outbox).toEqual({ code: 0, out: 'There are none.\n', err: '' });
  const one = await run(['targets', 'support-us', '--csv'], overHttp());
  expect(one.out.split('\r\n').map((line) => line.split(',')[0])).toEqual([
    'name',
    'support-us',
    '',
  ]);
  for (const argv of [
    ['switch', 'main-site', 'off', '--csv'],
    ['dead-letters', 'retry', '1', '--csv'],
    ['targets', '--csv', '--json'],
    ['list', 'problems', '--limit', '2'],
    ['list', 'everything'],
  ]) {
    expect([argv, (await run(argv, overHttp())).code]).toEqual([argv, 2]);
  }
});

test('people read times of their terminal with the offset, or UTC', async () => {
  await app.store.deadLetter({ no: 'event' }, 'broken', null);
  const until = ['--until', '2099-01-01T00:00:00Z'];
  await inZone('Asia/Kolkata', async () => {
    for (const argv of [
      ['stats'],
      ['report'],
      ['list', 'audit'],
      ['dead-letters'],
      ['targets', 'support-us', 'rest', ...until],
      ['targets', 'support-us'],
      ['switch', 'main-site', 'off', ...until],
      ['switch'],
    ]) {
      const { code, out } = await run(argv, overHttp());
      expect([argv, code, out]).toEqual([argv, 0, expect.stringMatching(LOCAL)]);
      expect(out).not.toMatch(IN_UTC);
      const utc = await run([...argv, '--utc'], overHttp());
      expect([argv, utc.code, utc.out]).toEqual([argv, 0, expect.stringMatching(IN_UTC)]);
      expect(utc.out).not.toMatch(LOCAL);
    }
  });
  for (const argv of [
    ['targets', 'support-us', 'auto'],
    ['switch', 'main-site', 'default'],
  ]) {
    expect((await run(argv, overHttp())).code).toBe(0);
  }
});

const LOCAL = /\d\d:\d\d:\d\d\+05:30/;
const IN_UTC = /\d\d:\d\d:[\d.]+Z/;

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
  // The page answers HTML, whichever setting or option named it.
  const named = async (argv: string[], env: Record<string, string>) =>
    (await run(['targets', ...argv], { ...overHttp(), ...env })).err;
  const page = `http://127.0.0.1:${notJson.port}`;
  const words = (name: string) =>
    `not with JSON (Unexpected token '<', "<html>" is not valid JSON); ${name} must name the address of Referee's API`;
  expect(await named([], { REFEREE_URL: page })).toContain(words('REFEREE_URL'));
  expect(await named(['--server', page], {})).toContain(words('--server'));
  const own = { REFEREE_URL: '', HOST: '0.0.0.0', PORT: String(notJson.port) };
  expect(await named([], own)).toContain(words('HOST and PORT'));
  expect(await named([], { REFEREE_URL: '', HOST: 'fe80::1%eth0' })).toContain(
    'HOST and PORT: the address names a network interface after %, which a URL cannot; give another',
  );
  expect(await named(['--server', 'http://anna:geheim@x'], {})).not.toContain('geheim');
  // The token is not sent to the redirect's target.
  expect(await named(['--server', `${page}/away`], {})).toContain('answered 302');
  expect(notJson.asked).not.toContain('/taken');
});

test('a --server that is no address of a server is wrong usage', async () => {
  for (const url of ['127.0.0.1:1', 'ftp://x', 'http://x:99999', 'http://x?y', 'http://x#y', '']) {
    const { code, err } = await run(['targets', '--server', url], overHttp());
    expect([url, code]).toEqual([url, 2]);
    expect(err).toContain('--server: expected http://host:port');
  }
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

test('route skips a target that an operator has put to rest, and says who and why', async () => {
  const routes = await mkdtemp(join(folder, 'rest-'));
  writeFileSync(
    join(routes, 'main.yaml'),
    `targets: { support-us: { sip: "sip:us@example.com" }, other: { sip: "sip:eu@example.com" } }
otherwise: [ { refer: support-us }, { refer: other } ]
`,
  );
  const rest = (on: boolean | null) =>
    app.api('/v1/targets/support-us/rest', {
      method: 'POST',
      body: JSON.stringify(on === null ? { on } : { on, reason: 'moving house' }),
    });
  await rest(true);
  const argv = ['route', '--to', '+14155550100', '--routes', routes];
  const [here, there] = [await run(argv, inStore()), await run(argv, overHttp())];
  expect(here.out).toMatch(
    /skip support-us .* skipped: support-us was put to rest by admin .*\(moving house\)\n {2}refer other .* completed/,
  );
  expect(there).toEqual(here);
  const asked = await run([...argv, '--verdict', 'support-us=busy'], inStore());
  expect(asked.out).toMatch(/refer support-us .* busy\n {2}refer other .* completed/);
  await rest(null);
});
