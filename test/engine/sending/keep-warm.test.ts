/** Ten quiet minutes with fake timers, over real TLS connections on loopback. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TelnyxCommand } from '../../../src/core/machine/command.ts';
import { createKeepWarm } from '../../../src/engine/sending/keep-warm.ts';
import { createTelnyxClient, type TelnyxClient } from '../../../src/telnyx/client.ts';
import { startTlsApi, type TlsApi } from '../../helpers/tls-api.ts';

const EVERY_MS = 15_000;
/** A typical idle timeout of load balancers. */
const IDLE_MS = 60_000;
const WARM = 'GET /v2/public_key';

let api: TlsApi;
let client: TelnyxClient;
const closing: (() => unknown)[] = [];
let warmed: Promise<void>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  warmed = Promise.resolve();
  api = await startTlsApi(IDLE_MS);
  closing.push(() => api.close());
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.useRealTimers();
});

function start(everyMs: number): void {
  client = createTelnyxClient({ apiUrl: api.url, apiKey: 'k', env: {}, keepWarmMs: everyMs });
  const { quietMs } = client;
  const keeper = createKeepWarm({
    everyMs,
    client: {
      quietMs,
      warm() {
        warmed = client.warm();
        return warmed;
      },
    },
  });
  keeper.start();
  closing.push(client.close, keeper.stop);
}

/** Second by second, so that sockets notice what timers do. */
async function quiet(seconds: number): Promise<void> {
  for (let n = 0; n < seconds; n += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    await warmed;
    for (let turns = 0; turns < 3; turns += 1) await turn();
  }
}

function command(action: 'answer' | 'refer'): TelnyxCommand {
  const common = {
    id: '51d844c6-f069-5b7c-925b-7fdbf10dfd2f',
    callId: 'leg',
    legId: 'leg',
    attemptId: null,
    giveUpAt: null,
    clientState: 'eyJ2IjoxfQ==',
  };
  const move = { sipAddress: 'sip:a@b.example', userToUser: null, headers: [], auth: null };
  return { ...common, ...(action === 'refer' ? { action, ...move } : { action }) } as TelnyxCommand;
}

async function send(action: 'answer' | 'refer') {
  const { kind } = await client.send(command(action));
  // The pool sees the end of a response one turn later than its reader.
  await turn();
  return kind;
}

test('after ten quiet minutes the commands of a call go out on connections that are open', async () => {
  start(EVERY_MS);
  expect(await send('answer')).toBe('accepted');
  await quiet(600);
  const { handshakes } = api;
  expect(await send('answer')).toBe('accepted');
  // As if call.answered had overtaken the response to the answer command.
  let answer = () => {};
  api.answering = new Promise((resolve) => {
    answer = resolve;
  });
  const both = [send('answer'), send('refer')];
  while (api.requests.filter((line) => line.endsWith('/refer')).length === 0) await turn();
  answer();
  expect(await Promise.all(both)).toEqual(['accepted', 'accepted']);
  expect(api.handshakes).toBe(handshakes);
});

test('without it the same call pays for a handshake', async () => {
  start(0);
  expect(await send('answer')).toBe('accepted');
  await quiet(600);
  const { handshakes } = api;
  expect(await send('refer')).toBe('accepted');
  expect(api.handshakes).toBe(handshakes + 1);
  expect(api.requests).not.toContain(WARM);
});

test('Telnyx is asked twice in the time that is set, and not while commands do the same', async () => {
  start(EVERY_MS);
  await quiet(150);
  const asked = () => api.requests.filter((line) => line === WARM).length;
  expect(asked()).toBe(2 * 10);
  for (let n = 0; n < 15; n += 1) {
    await Promise.all([send('answer'), send('refer')]);
    await quiet(10);
  }
  expect(asked()).toBe(2 * 10);
  expect(api.handshakes).toBeLessThanOrEqual(3);
});

test.each([
  ['401 to what was asked', 401, () => Promise.resolve('')],
  ['401 to a command', 401, () => send('refer')],
])('%s: nothing is asked until a command is accepted', async (_, status, first) => {
  start(EVERY_MS);
  api.status = status;
  await first();
  await quiet(600);
  expect(api.requests.filter((line) => line === WARM).length).toBeLessThanOrEqual(2);
  api.requests.length = 0;
  api.status = 200;
  expect(await send('answer')).toBe('accepted');
  await quiet(20);
  expect(api.requests).toContain(WARM);
});

test('a 429 without a time is followed by a minute of silence', async () => {
  start(EVERY_MS);
  api.status = 429;
  await quiet(15);
  expect(api.requests).toEqual([WARM, WARM]);
  await quiet(59);
  expect(api.requests).toHaveLength(2);
  await quiet(16);
  expect(api.requests).toHaveLength(4);
});

test('a connection that is closed while a command is on its way to it costs a handshake, and no more', async () => {
  start(EVERY_MS);
  await quiet(20);
  const { handshakes } = api;
  api.closeIdle();
  expect(await send('refer')).toBe('accepted');
  expect(api.requests.filter((line) => line.endsWith('/refer'))).toHaveLength(1);
  expect(api.handshakes).toBe(handshakes + 1);
});
