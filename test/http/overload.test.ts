import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { Received } from '../../src/engine/engine.ts';
import { serveApp } from '../helpers/served-app.ts';
import { incomingCall, signedHeaders } from '../helpers/webhooks.ts';

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

test('a connection that was sent away is read again only when the time is up that its 503 named', async () => {
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
  const headers = {
    host: 'calls.example.com',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...signedHeaders(app.key, body),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /webhooks/telnyx HTTP/1.1\r\n${head.join('')}\r\n${body}`);
  await expect.poll(() => answers.length).toBe(1);
  socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(() => answers.length, { timeout: 5_000 }).toBe(2);
  socket.destroy();

  expect(answers.map(({ status }) => status)).toEqual(['503', '200']);
  expect((answers[1]?.at ?? 0) - (answers[0]?.at ?? 0)).toBeGreaterThan(900);
  for (const commit of commits) commit();
  await Promise.all(taken);
});

/** A store that takes its time: each webhook waits until the test commits it. */
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
    deps: { webhooksUnderWayMax: TOGETHER, ...deps },
  });
  return {
    app,
    commits,
    /** As many webhooks as may be under way, all of them at the store. */
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
