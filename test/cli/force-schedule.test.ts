import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { inZone, written } from '../helpers/written.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());

const run = (args: string[], env = {}) =>
  written((io) => runCli(['schedule', ...args], io), {
    env: { REFEREE_URL: app.url, REFEREE_TOKEN: ADMIN_TOKEN, ...env },
  });

test('forces a schedule until a time for a reason, and goes back to the routes', async () => {
  const until = '2099-01-01T00:00:00.000Z';
  const closing = ['office', 'closed', '--until', until, '--reason', 'staff meeting'];
  await inZone('Asia/Kolkata', async () => {
    expect(await run(closing)).toEqual({
      code: 0,
      out: 'closed office  until 2099-01-01T05:30:00+05:30, by admin: staff meeting\n',
      err: '',
    });
  });
  expect((await run(['office', 'open'])).out).toBe(
    'open   office  until somebody ends it, by admin\n',
  );
  expect(JSON.parse((await run(['office', 'default', '--json'])).out)).toEqual({
    schedule: 'office',
    override: null,
  });
  expect((await run(['office', 'default'])).out).toBe('office  follows the routes\n');
});

test.each([
  ['another state', ['office', 'shut'], 'shut: expected open, closed or default'],
  [
    'a time without a zone',
    ['office', 'open', '--until', '2099-01-01T00:00'],
    'its zone is missing',
  ],
  ['no state', ['office', '--reason', 'ill'], '--until, --reason and --server need a schedule and'],
  ['options that show it', ['office', 'open', '--csv'], '--routes, --at and --csv only show'],
])('wrong usage is 2: %s', async (_what, args, words) => {
  expect(await run(args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(words) });
});

test('what the server refuses is 1', async () => {
  const unknown = await run(['offce', 'open']);
  expect([unknown.code, unknown.err]).toEqual([
    1,
    expect.stringMatching(/^referee schedule: No schedule is called "offce"/),
  ]);
  expect((await run(['office', 'open'], { REFEREE_TOKEN: 'x'.repeat(32) })).code).toBe(1);
});
