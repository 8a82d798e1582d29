import { afterAll, beforeAll, expect, test } from 'vitest';
import { runOverriding } from '../../src/cli/overriding.ts';
import { OVERRIDABLE_SWITCHES } from '../../src/cli/switch.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { written } from '../helpers/written.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());

const run = (name?: string, state?: string, options = {}, env = {}) =>
  written((io) => runOverriding(OVERRIDABLE_SWITCHES, { name, state }, options, io), {
    env: { REFEREE_URL: app.url, REFEREE_TOKEN: ADMIN_TOKEN, ...env },
  });

test('turns a switch until a time for a reason, lists it, and goes back to the default', async () => {
  expect(await run()).toEqual({ code: 0, out: 'on  main-site  its default\n', err: '' });
  const until = '2099-01-01T00:00:00.000Z';
  const off = await run('main-site', 'off', { until, reason: 'no power', utc: true });
  expect(off.out).toBe('off main-site  until 2099-01-01T00:00:00Z, by admin: no power\n');
  expect((await run('main-site', undefined, { utc: true })).out).toBe(off.out);
  expect(JSON.parse((await run(undefined, undefined, { json: true })).out)).toMatchObject({
    switches: [{ name: 'main-site', on: false, override: { until, reason: 'no power' } }],
  });
  expect((await run('main-site', 'default')).out).toBe('on  main-site  its default\n');
});

test('wrong usage is 2; what the server refuses, or no server, is 1', async () => {
  expect(await run('main-site', 'of')).toMatchObject({
    code: 2,
    err: expect.stringContaining('off'),
  });
  const noZone = await run('main-site', 'off', { until: '2099-01-01T00:00' });
  expect([noZone.code, noZone.err]).toEqual([2, expect.stringContaining('its zone is missing')]);
  const unknown = await run('annex', 'off');
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('main-site')]);
  expect((await run('main-site', 'off', {}, { REFEREE_TOKEN: 'x'.repeat(32) })).code).toBe(1);
  const nobody = await run(undefined, undefined, { server: 'http://127.0.0.1:9' });
  expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('is the server running')]);
});
