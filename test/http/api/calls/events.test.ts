import { connect } from 'node:net';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CALL_SUMMARY } from '../../../../src/http/api/calls/calls-schemas.ts';
import { HTTP_LIMITS } from '../../../../src/http/limits.ts';
import { aCall, aUnit } from '../../../helpers/documents.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../../../helpers/served-app.ts';
import { incomingCall } from '../../../helpers/webhooks.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());

interface Sent {
  event: string;
  id: string | null;
  data: unknown;
}

/** One open stream, read event by event. */
async function follow(lastEventId?: string, query = '', at = app) {
  const gone = new AbortController();
  const answer = await at.api(`/v1/events${query}`, {
    signal: gone.signal,
    ...(lastEventId === undefined ? {} : { headers: { 'last-event-id': lastEventId } }),
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const chunks = (answer.body as ReadableStream<Uint8Array>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let buffer = '';
  return {
    /** Null when the server ended the stream. */
    async next(): Promise<Sent | null> {
      for (;;) {
        const end = buffer.indexOf('\n\n');
        if (end < 0) {
          const { value, done } = await chunks.read();
          if (done) return null;
          buffer += value;
          continue;
        }
        const block = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        const field = (name: string) =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2) ?? null;
        const event = field('event');
        if (event !== null) {
          return { event, id: field('id'), data: JSON.parse(field('data') ?? 'null') };
        }
      }
    },
    leave: () => gone.abort(),
  };
}

async function arrive(id: string, at = app): Promise<void> {
  expect((await at.deliver(incomingCall(id))).status).toBe(200);
}

test('a stream says hello, then tells each call that changes', async () => {
  const stream = await follow();
  expect(await stream.next()).toMatchObject({ event: 'hello', id: expect.any(String) });
  await arrive('v3:first');
  const sent = await stream.next();
  expect(sent?.event).toBe('call');
  expect(Value.Parse(CALL_SUMMARY, sent?.data)).toMatchObject({
    call_control_id: 'v3:first',
    phase: 'answering',
    from: '+353861234567',
  });
  stream.leave();
});

test('who comes back with Last-Event-ID misses nothing', async () => {
  const stream = await follow();
  const hello = await stream.next();
  stream.leave();
  await arrive('v3:while-away');
  await arrive('v3:while-away-too');
  const again = await follow(String(hello?.id));
  expect([await again.next(), await again.next()]).toMatchObject([
    { event: 'call', data: { call_control_id: 'v3:while-away' } },
    { event: 'call', data: { call_control_id: 'v3:while-away-too' } },
  ]);
  again.leave();
});

test('callers are reported, and their B-legs to a client that asks for legs', async () => {
  const [callers, all] = [await follow(), await follow(undefined, '?legs=all')];
  for (const stream of [callers, all]) expect((await stream.next())?.event).toBe('hello');
  await app.store.commit(
    [aUnit(aCall('v3:a-leg', { parentId: 'v3:a-caller' }), 0), aUnit(aCall('v3:a-caller'), 0)],
    null,
  );
  const heard = async (stream: typeof all) => {
    const ids: string[] = [];
    // Changes by earlier tests may still be reported.
    while (!ids.includes('v3:a-caller')) {
      const { call_control_id: id } = Value.Parse(CALL_SUMMARY, (await stream.next())?.data);
      if (id.startsWith('v3:a-')) ids.push(id);
    }
    return ids;
  };
  expect(await heard(callers)).toEqual(['v3:a-caller']);
  expect(await heard(all)).toEqual(['v3:a-leg', 'v3:a-caller']);
  callers.leave();
  all.leave();
  expect((await app.api('/v1/events?legs=some')).status).toBe(400);
});

test('a cursor of another life is answered with reset', async () => {
  const stream = await follow('00000000.12');
  expect((await stream.next())?.event).toBe('reset');
  stream.leave();
});

test('whoever leaves while their session is looked up takes no stream from others', async () => {
  const body = JSON.stringify({ token: ADMIN_TOKEN });
  const signedIn = await app.api('/v1/session', { method: 'POST', body });
  const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
  const { setting } = app.store;
  const slow = Promise.withResolvers<void>();
  app.store.setting = async (name) => {
    await slow.promise;
    return setting(name);
  };
  const closed: Promise<unknown>[] = [];
  app.server.server.on('connection', (socket) => {
    // Not `once` of node:events, which rejects where the server was writing when the other left.
    closed.push(new Promise((resolve) => socket.once('close', resolve)));
  });
  const sockets = Array.from({ length: HTTP_LIMITS.eventStreamsMax }, () => {
    return connect(app.port, '127.0.0.1');
  });
  for (const socket of sockets) {
    socket.write(`GET /v1/events HTTP/1.1\r\nhost: x\r\ncookie: ${cookie}\r\n\r\n`);
  }
  await expect.poll(() => closed.length).toBe(sockets.length);
  // An answer to a later request: those before it have been read.
  expect((await fetch(`${app.url}/health/live`, { keepalive: false })).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed.slice(0, sockets.length));
  slow.resolve();
  app.store.setting = setting;
  const stream = await follow();
  expect((await stream.next())?.event).toBe('hello');
  stream.leave();
});

test('whoever has all streams open gives one to somebody else, and gets it back', async () => {
  await using own = await serveApp();
  const greedy = await Promise.all(
    Array.from({ length: HTTP_LIMITS.eventStreamsMax }, () => follow(undefined, '', own)),
  );
  await Promise.all(greedy.map((stream) => stream.next()));
  const another = async () => {
    const socket = connect({ port: own.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    let text = '';
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    const head = ['GET /v1/events HTTP/1.1', 'host: x', `authorization: Bearer ${ADMIN_TOKEN}`];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    await expect.poll(() => text).toMatch(/event: hello|too_many_streams/);
    return { socket, text: () => text };
  };
  const guest = await another();
  expect(guest.text()).toContain('event: hello');
  // The oldest one ended, and only that one.
  expect(await greedy[0]?.next()).toBe(null);
  const refused = await own.api('/v1/events');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('15');
  await arrive('v3:fair', own);
  expect((await greedy[1]?.next())?.event).toBe('call');
  expect(guest.text()).not.toContain('too_many_streams');

  guest.socket.destroy();
  await expect
    .poll(async () => {
      const gone = new AbortController();
      const { status } = await own.api('/v1/events', { signal: gone.signal });
      gone.abort();
      return status;
    })
    .toBe(200);
  for (const stream of greedy) stream.leave();
});

test('the streams are bounded, and all end when the server stops', async () => {
  const streams = await Promise.all(
    Array.from({ length: HTTP_LIMITS.eventStreamsMax }, () => follow()),
  );
  await Promise.all(streams.map((stream) => stream.next()));
  const oneMore = await app.api('/v1/events');
  expect(oneMore.status).toBe(503);
  expect(await oneMore.json()).toMatchObject({ reason: 'too_many_streams' });

  const ends = Promise.all(streams.map((stream) => stream.next()));
  await app.server.close();
  expect(await ends).toEqual(streams.map(() => null));
});
