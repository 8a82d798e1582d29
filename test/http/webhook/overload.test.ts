import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Received } from '../../../src/engine/engine.ts';
import { HTTP_LIMITS } from '../../../src/http/limits.ts';
import { type ServedApp, serveApp } from '../../helpers/served-app.ts';
import { incomingCall, signedHeaders, type TelnyxKey } from '../../helpers/webhooks.ts';

const TOGETHER = 8;

test('beyond the webhooks that may be under way the next one waits, and is taken when there is room', async () => {
  await using held = await serveHeld({ webhookWaitMs: 60_000 });
  const { app, commits, deliverHeld } = held;
  const taken = await deliverHeld();

  let answered = false;
  const waiting = app.deliver(incomingCall('v3:one-too-many')).then((answer) => {
    answered = true;
    return answer;
  });
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
  expect(commits.length).toBe(TOGETHER);
  expect(answered).toBe(false);

  commits[0]?.();
  await expect.poll(() => commits.length).toBe(TOGETHER + 1);
  for (const commit of commits) commit();
  expect((await Promise.all([...taken, waiting])).map(({ status }) => status)).toEqual(
    Array(TOGETHER + 1).fill(200),
  );
});

test('who waits too long gets 503 with Retry-After, health answers, and there is room again when they are through', async () => {
  await using held = await serveHeld({ webhookWaitMs: 30 });
  const { app, commits, deliverHeld } = held;
  const taken = await deliverHeld();

  const turnedAway = await app.deliver(incomingCall('v3:one-too-many'));
  expect(turnedAway.status).toBe(503);
  expect(turnedAway.headers.get('retry-after')).toBe('1');
  expect(await turnedAway.json()).toMatchObject({ reason: 'too_many' });
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);

  for (const commit of commits) commit();
  expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(Array(TOGETHER).fill(200));

  const after = app.deliver(incomingCall('v3:afterwards'));
  await expect.poll(() => commits.length).toBe(TOGETHER + 1);
  commits.at(-1)?.();
  expect((await after).status).toBe(200);
});

test('a connection that was sent away is not read for a while, then as before', async () => {
  await using held = await serveHeld({ webhookWaitMs: 0 });
  const { app, commits, deliverHeld } = held;
  const taken = await deliverHeld();
  const socket = connect(app.port, '127.0.0.1');
  const answers: { status: string; at: number }[] = [];
  socket.setEncoding('utf8').on('data', (text: string) => {
    for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d+)/g)) {
      answers.push({ status, at: performance.now() });
    }
  });
  const body = incomingCall('v3:sent-away');
  socket.write(`${headOf(app.key, body)}${body}`);
  await expect.poll(() => answers.length).toBe(1);
  socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(() => answers.length, { timeout: 5_000 }).toBe(2);
  socket.destroy();

  expect(answers.map(({ status }) => status)).toEqual(['503', '200']);
  expect((answers[1]?.at ?? 0) - (answers[0]?.at ?? 0)).toBeGreaterThan(HTTP_LIMITS.unheardMs - 20);
  for (const commit of commits) commit();
  await Promise.all(taken);
});

test('those whose body does not come, and those who leave, hold nobody up', async () => {
  await using held = await serveHeld({ webhookWaitMs: 60_000 });
  const { app, commits, deliverHeld } = held;
  const silent = Array.from({ length: 3 * TOGETHER }, () => connect(app.port, '127.0.0.1'));
  for (const socket of silent) socket.write(headOf(app.key, incomingCall('v3:silent')));
  const taken = await deliverHeld();
  const gone = Array.from({ length: 3 * TOGETHER }, () => connect(app.port, '127.0.0.1'));
  await Promise.all(
    gone.map(async (socket, i) => {
      const body = incomingCall(`v3:gone-${i}`);
      await new Promise((sent) => socket.write(`${headOf(app.key, body)}${body}`, sent));
      socket.destroy();
    }),
  );
  const waiting = Array.from({ length: TOGETHER }, (_, i) =>
    app.deliver(incomingCall(`v3:waits-${i}`)),
  );

  const statuses = Promise.all([...taken, ...waiting].map(async (answer) => (await answer).status));
  const commitAll = setInterval(() => {
    for (const commit of commits) commit();
  }, 5);
  expect(await statuses).toEqual(Array(2 * TOGETHER).fill(200));
  clearInterval(commitAll);
  for (const socket of silent) socket.destroy();
});

test('a server that closes answers those who wait, and sends them to another replica', async () => {
  await using held = await serveHeld({ webhookWaitMs: 60_000 });
  const { app, commits, deliverHeld } = held;
  const taken = await deliverHeld();
  const sockets = Array.from({ length: TOGETHER }, () => connect(app.port, '127.0.0.1'));
  const answers = sockets.map(
    (socket, i) =>
      new Promise<string>((resolve) => {
        const body = incomingCall(`v3:waits-${i}`);
        socket.once('data', (answer) => resolve(String(answer)));
        socket.write(`${headOf(app.key, body)}${body}`);
      }),
  );
  // When a later connection has its answer, all of them have been read.
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);

  app.lifecycle.phase = 'stopping';
  const closed = app.server.close();
  for (const answer of await Promise.all(answers)) {
    expect(answer).toMatch(/^HTTP\/1.1 503 .*\r\nconnection: close\r\n/is);
  }
  for (const commit of commits) commit();
  expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(Array(TOGETHER).fill(200));
  for (const socket of sockets) socket.destroy();
  await closed;
});

function headOf(key: TelnyxKey, body: string): string {
  const headers = {
    host: 'calls.example.com',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...signedHeaders(key, body),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /webhooks/telnyx HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A store that is slow: each webhook waits until the test commits it. */
async function serveHeld(deps: { webhookWaitMs: number }) {
  const commits: (() => void)[] = [];
  let allHeld: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    allHeld = resolve;
  });
  const app = await serveApp({
    receive: () =>
      new Promise<Received>((resolve) => {
        commits.push(() => resolve({ result: 'duplicate' }));
        if (commits.length === TOGETHER) allHeld();
      }),
    // A busy machine may need longer than a webhook's limit of 1.5 s, which is not tested here.
    deps: { webhooksUnderWayMax: TOGETHER, answerMs: 60_000, ...deps },
  });
  return {
    app,
    commits,
    /**
     * Delivers as many webhooks as may be processed at once, until all of them wait for the store.
     */
    async deliverHeld() {
      const taken = Array.from({ length: TOGETHER }, (_, i) =>
        app.deliver(incomingCall(`v3:in-${i}`)),
      );
      await held;
      return taken;
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

describe('bodies that do not end', () => {
  const BUDGET = 64 * 1024;

  test.each([
    ['/webhooks/telnyx', 503, '"reason":"too_many_bytes"'],
    ['/nowhere', 404, '"reason":"no_such_endpoint"'],
  ])(
    'to %s share one budget: webhooks are taken, and the largest are answered %i',
    async (path, status, reason) => {
      await using app = await serveApp({
        receive: async () => ({ result: 'duplicate' }),
        deps: { bodiesBytesMax: BUDGET },
      });
      const senders: ReturnType<typeof begun>[] = [];
      for (let i = 0; i < 12; i += 1) {
        const sender = begun(app, path, { declared: 200_000, chunked: i % 2 === 0 });
        sender.send(20_000);
        senders.push(sender);
      }
      // Of twelve with 20 KB each at most three fit.
      await expect
        .poll(() => senders.filter(({ answer }) => answer() !== '').length)
        .toBeGreaterThanOrEqual(9);
      for (const { answer } of senders) {
        if (answer() === '') continue;
        expect(answer()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
        expect(/\r\nretry-after: 1\r\n/i.test(answer())).toBe(status === 503);
        expect(answer()).toContain(reason);
      }
      const genuine = incomingCall('v3:beside-them');
      expect((await app.deliver(genuine)).status).toBe(200);
      expect((await inChunks(app, genuine)).status).toBe(200);
      for (const { socket } of senders) socket.destroy();
    },
  );

  test('one that was refused may be sent again on its connection, and the room of those that end is free', async () => {
    await using app = await serveApp({
      receive: async () => ({ result: 'duplicate' }),
      deps: { bodiesBytesMax: BUDGET },
    });
    const padded = incomingCall('v3:large').padEnd(50_000);
    const first = begun(app, '/webhooks/telnyx', { declared: padded.length, body: padded });
    first.send(30_000);
    await answeredHealth(app);
    const second = begun(app, '/webhooks/telnyx', { declared: padded.length, body: padded });
    second.send(20_000);
    second.send(20_000);
    await expect.poll(() => [first.answer(), second.answer()].join('')).toContain('too_many_bytes');

    const [refused, other] = first.answer() === '' ? [second, first] : [first, second];
    other.sendRest();
    await expect.poll(() => other.answer()).toMatch(/^HTTP\/1.1 200 /);
    refused.sendRest();
    refused.socket.write(`${headOf(app.key, padded)}${padded}`);
    await expect.poll(() => refused.answer()).toMatch(/^HTTP\/1.1 503 .*HTTP\/1.1 200 /s);
    first.socket.destroy();
    second.socket.destroy();
  });
});

interface Begun {
  declared: number;
  chunked?: boolean;
  body?: string;
}

/** A request whose body is sent bit by bit. */
function begun(app: ServedApp, path: string, { declared, chunked = false, body }: Begun) {
  const whole = body ?? ' '.repeat(declared);
  const headers = {
    host: 'calls.example.com',
    'content-type': 'application/json',
    ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': declared }),
    ...signedHeaders(app.key, whole),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(app.port, '127.0.0.1');
  let text = '';
  let sent = 0;
  socket
    .on('error', () => {})
    .on('data', (data) => {
      text += data;
    });
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const send = (bytes: number) => {
    const part = whole.slice(sent, sent + bytes);
    sent += part.length;
    socket.write(chunked ? `${part.length.toString(16)}\r\n${part}\r\n` : part);
  };
  return { socket, answer: () => text, send, sendRest: () => send(whole.length - sent) };
}

async function answeredHealth(app: ServedApp): Promise<void> {
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
}

/** As some proxies pass a webhook on. */
function inChunks(app: ServedApp, body: string): Promise<Response> {
  return fetch(`${app.url}/webhooks/telnyx`, {
    method: 'POST',
    headers: signedHeaders(app.key, body),
    body: new Blob([body]).stream(),
    duplex: 'half',
  } as RequestInit);
}
