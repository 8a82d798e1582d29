/**
 * Commands for operators: making a token, and acting on calls through the API of a running server.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAct } from '../../src/cli/act.ts';
import { runDeadLetters } from '../../src/cli/dead-letters.ts';
import type { Io } from '../../src/cli/terminal/io.ts';
import { runToken } from '../../src/cli/token.ts';
import { digestOf } from '../../src/http/people/person.ts';
import { readTokenFile } from '../../src/http/people/token-file.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { incomingCall } from '../helpers/webhooks.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());

async function run(command: (io: Io) => number | Promise<number>) {
  const said = { out: '', err: '' };
  const into = (name: 'out' | 'err') => ({
    write(text: string) {
      said[name] += text;
    },
  });
  const env = { REFEREE_URL: app.url, REFEREE_TOKEN: ADMIN_TOKEN };
  const code = await command({ stdout: into('out'), stderr: into('err'), env, isTTY: false });
  return { code, ...said };
}

test('a token is printed with the entry that the file takes', async () => {
  const { code, out } = await run((io) => runToken({ name: 'anna', role: 'viewer' }, io));
  const [token = '', entry] = out.split('\n');
  expect([code, token.length]).toEqual([0, 43]);
  expect(readTokenFile('tokens.yaml', Buffer.from(`tokens:\n${entry}\n`))).toEqual({
    ok: true,
    people: [{ name: 'anna', role: 'viewer', digest: digestOf(token) }],
  });
  for (const wrong of [
    { name: 'anna', role: 'boss' },
    { name: 'admin', role: 'viewer' },
    { name: 'an na', role: 'viewer' },
  ]) {
    expect((await run((io) => runToken(wrong, io))).code).toBe(2);
  }
});

test('a call is hung up; what the server refuses is 1, wrong usage 2', async () => {
  await app.deliver(incomingCall('v3:cli', { to: '+14155550100' }));
  const next = await run((io) => runAct('next', 'v3:cli', {}, io));
  expect([next.code, next.err]).toEqual([1, expect.stringContaining('not being moved')]);
  const done = await run((io) => runAct('hangup', 'v3:cli', { reason: 'a test' }, io));
  expect(done).toEqual({ code: 0, out: 'releasing  Being hung up.\n', err: '' });
  const rows = (await app.store.audit({ what: 'hangup', limit: 1 })).rows;
  expect(rows).toMatchObject([{ who: 'admin', to: 'v3:cli', reason: 'a test' }]);
  expect((await run((io) => runAct('hangup', 'v3:no', { server: 'x' }, io))).code).toBe(2);
});

test('dead letters are listed, discarded, and named when they are not there', async () => {
  await app.store.deadLetter({ no: 'event' }, 'Error: broken\n at x', null);
  const list = await run((io) => runDeadLetters(undefined, undefined, {}, io));
  expect(list.out).toMatch(/^1 {2}\S+ {2}\? {2}\? {2}Error: broken\n$/);
  expect((await run((io) => runDeadLetters('discard', '1', {}, io))).out).toBe('discarded\n');
  expect((await run((io) => runDeadLetters('retry', '1', {}, io))).code).toBe(1);
  expect((await run((io) => runDeadLetters('retry', 'one', {}, io))).code).toBe(2);
  expect((await run((io) => runDeadLetters('burn', '1', {}, io))).code).toBe(2);
});
