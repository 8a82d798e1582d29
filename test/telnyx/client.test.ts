import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import type { Command } from '../../src/core/machine/command.ts';
import {
  createTelnyxClient,
  type TelnyxClient,
  type TelnyxClientOptions,
} from '../../src/telnyx/client.ts';
import {
  type ApiServer,
  json,
  type Reply,
  refusedAddress,
  startApiServer,
} from '../helpers/api-server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(reply?: Reply): Promise<ApiServer> {
  const api = await startApiServer(reply);
  closing.push(api.close);
  return api;
}

function client(apiUrl: string, options: Partial<TelnyxClientOptions> = {}): TelnyxClient {
  const made = createTelnyxClient({ apiUrl, apiKey: 'KEY_secret', env: {}, ...options });
  closing.push(made.close);
  return made;
}

const common = {
  id: '51d844c6-f069-5b7c-925b-7fdbf10dfd2f',
  callId: 'v3:abc/def',
  legId: 'v3:abc/def',
  attemptId: null,
  giveUpAt: null,
  clientState: 'eyJ2IjoxfQ==',
};
const hangup: Command = { ...common, action: 'hangup' };
const probe: Command = { ...common, clientState: null, action: 'probe' };

test('a command reaches Telnyx as JSON with the key, and is accepted', async () => {
  const api = await serve();
  expect(await client(`${api.url}/`).send(hangup)).toEqual({
    kind: 'accepted',
    status: 200,
    alive: null,
  });
  expect(api.requests).toMatchObject([
    {
      method: 'POST',
      url: '/v2/calls/v3%3Aabc%2Fdef/actions/hangup',
      headers: { authorization: 'Bearer KEY_secret', 'content-type': 'application/json' },
      body: { client_state: common.clientState, command_id: common.id },
    },
  ]);
});

test('the same command is the same bytes each time, over connections that are kept', async () => {
  const api = await serve();
  const telnyx = client(api.url);
  for (let n = 0; n < 10; n += 1) await telnyx.send(hangup);
  expect(new Set(api.requests.map(({ text }) => text)).size).toBe(1);
  // Two, if the next request comes before the pool has seen the end of the previous one.
  expect(api.connections).toBeLessThanOrEqual(2);
});

test('a probe is a GET and tells alive from dead', async () => {
  let alive = true;
  const api = await serve((_, response) => json(response, 200, { data: { is_alive: alive } }));
  const telnyx = client(api.url);
  expect(await telnyx.send(probe)).toMatchObject({ kind: 'accepted', alive: true });
  alive = false;
  expect(await telnyx.send(probe)).toMatchObject({ kind: 'accepted', alive: false });
  expect(api.requests[0]).toMatchObject({
    method: 'GET',
    url: '/v2/calls/v3%3Aabc%2Fdef',
    text: '',
  });
});

test('an error body is read: the call has ended', async () => {
  const errors = [{ code: '90018', title: 'Call has already ended' }];
  const api = await serve((_, response) => json(response, 422, { errors }));
  expect(await client(api.url).send(hangup)).toMatchObject({
    kind: 'rejected',
    status: 422,
    code: '90018',
    callEnded: true,
  });
});

test('what an error body quotes of the request is not passed on where it is secret', async () => {
  const auth = { username: `\${PBX_USER}`, password: `\${PBX_PASSWORD}` };
  const move = { sipAddress: 'sip:a@b.example', userToUser: null, headers: [], auth };
  const api = await serve((request, response) => {
    const quoted = api.requests.at(-1)?.text;
    const title = `${'x'.repeat(60)} ${request.headers.authorization} with ${quoted}`;
    json(response, 422, { errors: [{ code: '10015', title }] });
  });
  const env = { PBX_USER: 'correct', PBX_PASSWORD: 'correct-"horse"-battery' };
  const telnyx = client(api.url, { env });
  const outcome = await telnyx.send({ ...common, action: 'refer', ...move });
  const told = JSON.stringify(outcome);
  expect(told).toContain('sip:a@b.example');
  expect(told).not.toContain('KEY_secret');
  expect(told).not.toMatch(/horse|battery|correct/);
});

test('429 waits as long as x-ratelimit-reset says', async () => {
  const api = await serve((_, response) =>
    json(
      response,
      429,
      { errors: [{ code: 10011, title: 'Too many' }] },
      { 'x-ratelimit-reset': '2' },
    ),
  );
  expect(await client(api.url).send(hangup)).toMatchObject({
    kind: 'retry',
    afterMs: 2000,
    provenUnsent: true,
  });
});

test.each([
  ['seconds', '7'],
  ['a date, by the clock of the answer', 'Sat, 01 Jan 2000 00:00:07 GMT'],
])('429 waits as long as Retry-After says in %s', async (_, retryAfter) => {
  const headers = { 'retry-after': retryAfter, date: 'Sat, 01 Jan 2000 00:00:00 GMT' };
  const api = await serve((_, response) => json(response, 429, { errors: [] }, headers));
  expect(await client(api.url).send(hangup)).toMatchObject({ kind: 'retry', afterMs: 7000 });
});

test('a refused connection proves that nothing was sent', async () => {
  expect(await client(await refusedAddress()).send(hangup)).toMatchObject({
    kind: 'retry',
    status: null,
    provenUnsent: true,
    detail: expect.stringContaining('ECONNREFUSED'),
  });
});

test('a name that does not resolve proves it too', async () => {
  expect(await client('https://telnyx.invalid/v2').send(hangup)).toMatchObject({
    kind: 'retry',
    provenUnsent: true,
  });
});

test('a connection that is reset before TLS is up proves it too, although a later reset does not', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.resetAndDestroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => void server.close());
  const { port } = server.address() as AddressInfo;
  expect(await client(`https://127.0.0.1:${port}/v2`).send(hangup)).toMatchObject({
    kind: 'retry',
    provenUnsent: true,
    detail: expect.stringContaining('ECONNRESET'),
  });
});

test('a request that ends while it waits for a connection was never sent', async () => {
  const api = await serve(() => {});
  const telnyx = client(api.url, { connectionsMax: 1 });
  const outcomes = [telnyx.send(hangup)];
  await api.arrived(1);
  outcomes.push(telnyx.send(hangup));
  await telnyx.close();
  expect(await Promise.all(outcomes)).toMatchObject([
    { kind: 'retry', provenUnsent: false },
    { kind: 'retry', provenUnsent: true },
  ]);
  expect(api.requests).toHaveLength(1);
});

test('a page of 250 live legs with long client_states is read', async () => {
  const states = Array.from({ length: 250 }, (_, n) => `${n} ${'x'.repeat(1_300)}`);
  const data = states.map((client_state, n) => ({ call_control_id: `v3:${n}`, client_state }));
  const api = await serve((_, response) => json(response, 200, { data, meta: {} }));
  const search: Command = {
    ...common,
    action: 'active_calls',
    connectionId: '1',
    targetClientState: states[249] ?? '',
  };
  expect(await client(api.url).send(search)).toMatchObject({ kind: 'accepted', bLeg: 'v3:249' });
});

test('a connection cut before the answer is tried again, but proves nothing', async () => {
  const api = await serve((_, response) => void response.socket?.destroy());
  expect(await client(api.url).send(hangup)).toMatchObject({ kind: 'retry', provenUnsent: false });
  expect(await client(api.url).send(probe)).toMatchObject({ kind: 'unknown' });
});

test('silence ends after the time limit, and proves nothing', async () => {
  const api = await serve(() => {});
  expect(await client(api.url, { timeoutMs: 100 }).send(hangup)).toEqual({
    kind: 'retry',
    status: null,
    detail: 'no answer from Telnyx within 100 ms',
    afterMs: null,
    provenUnsent: false,
  });
});

/** Sends headers and the first bytes of a body, and then nothing, or a cut. */
function halfBody(status: number, cut: boolean): Reply {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"errors":[', () => cut && response.socket?.destroy());
  };
}

test.each([
  ['hangs', false],
  ['is cut', true],
])('a body that %s: 200 was a promise, 500 says nothing, a 422 is asked again', async (_, cut) => {
  const api = await serve();
  const telnyx = client(api.url, { timeoutMs: 150 });
  api.reply = halfBody(200, cut);
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'accepted' });
  expect(await telnyx.send(probe)).toMatchObject({ kind: 'unknown' });
  api.reply = halfBody(500, cut);
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'retry', status: 500 });
  api.reply = halfBody(422, cut);
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'retry', provenUnsent: false });
});

test('an endless body is not read to its end', async () => {
  let sent = 0;
  const api = await serve((_, response) => {
    response.writeHead(404, { 'content-type': 'text/html' });
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const more = () => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      sent += chunk.length;
    };
    response.on('drain', more);
    more();
  });
  expect(await client(api.url).send(hangup)).toMatchObject({
    kind: 'rejected',
    misconfigured: 'TELNYX_API_URL',
  });
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

test('an answer that came in time counts, although the process was stopped until its time was over', async () => {
  const api = await serve((_request, response) => {
    json(response, 200, { data: { result: 'ok' } });
    // After the answer was written, before it is read.
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700));
  });
  const outcome = await client(api.url, { timeoutMs: 500 }).send(hangup);
  expect(outcome).toMatchObject({ kind: 'accepted' });
});

test('garbage goes by its status, but for a 2xx', async () => {
  const api = await serve();
  const telnyx = client(api.url);
  const html = '<html>502 Bad Gateway</html>';
  api.reply = (_, response) => void response.writeHead(502).end(html);
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'retry', status: 502 });
  api.reply = (_, response) => void response.writeHead(204).end();
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'accepted', status: 204 });
  api.reply = (_, response) => void response.writeHead(401).end();
  expect(await telnyx.send(hangup)).toMatchObject({ misconfigured: 'TELNYX_API_KEY' });
});

test('what is not HTTP at all is tried again, and proves nothing', async () => {
  const server = createServer((socket) => {
    // It is reset.
    socket.on('error', () => {});
    socket.resume().end('SSH-2.0-OpenSSH_9.6\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const outcome = await client(`http://127.0.0.1:${port}/v2`).send(hangup);
  await new Promise((resolve) => server.close(resolve));
  expect(outcome).toMatchObject({ kind: 'retry', provenUnsent: false });
});

test.each([301, 302, 307, 308])('a redirect (%i) is never followed', async (status) => {
  const elsewhere = await serve();
  const api = await serve(
    (_, response) => void response.writeHead(status, { location: `${elsewhere.url}/calls` }).end(),
  );
  expect(await client(api.url).send(hangup)).toMatchObject({
    kind: 'rejected',
    status,
    misconfigured: 'TELNYX_API_URL',
  });
  expect(elsewhere.requests).toEqual([]);
});

test('an unset variable of auth is named, and nothing is sent', async () => {
  const api = await serve();
  const refer: Command = {
    ...common,
    action: 'refer',
    sipAddress: 'sip:a@b.example',
    userToUser: null,
    headers: [],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference as a route file writes it
    auth: { username: 'u', password: '${PBX_PASSWORD}' },
  };
  const env: Record<string, string> = {};
  const telnyx = client(api.url, { env });
  expect(await telnyx.send(refer)).toMatchObject({
    kind: 'rejected',
    misconfigured: 'PBX_PASSWORD',
    detail: expect.stringContaining('PBX_PASSWORD'),
  });
  expect(api.requests).toEqual([]);
  env.PBX_PASSWORD = 'hush';
  expect(await telnyx.send(refer)).toMatchObject({ kind: 'accepted' });
  expect(api.requests[0]?.body).toMatchObject({ sip_auth_password: 'hush' });
});

test('http is for loopback only, and an odd address is refused', () => {
  for (const apiUrl of [
    'http://api.telnyx.com/v2',
    'http://127.0.0.1.example.com/v2',
    'ftp://localhost/v2',
    'https://user:secret@api.telnyx.com/v2',
    'https://api.telnyx.com/v2?x=1',
    'api.telnyx.com',
    '',
  ]) {
    expect(() => createTelnyxClient({ apiUrl, apiKey: 'k' }), apiUrl).toThrow('TELNYX_API_URL');
  }
  for (const apiUrl of [
    'http://localhost:1/v2',
    'http://[::1]:1/v2',
    'https://api.telnyx.com/v2',
  ]) {
    void client(apiUrl);
  }
});

test('closing ends what is under way', async () => {
  const api = await serve(() => {});
  const telnyx = client(api.url);
  const sent = telnyx.send(hangup);
  await api.arrived(1);
  await telnyx.close();
  expect(await sent).toMatchObject({ kind: 'retry', provenUnsent: false });
});

test.each([
  ['a page of a portal', '<!doctype html><title>Sign in</title>'],
  ['a word', 'OK'],
  ['a list', '[]'],
])('a 200 with %s is no answer of Telnyx: nobody knows, and it is asked again', async (_, text) => {
  const api = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(text);
  });
  const telnyx = client(api.url);
  expect(await telnyx.send(hangup)).toEqual({
    kind: 'retry',
    status: null,
    detail: expect.stringContaining("HTTP 200 with a body that is not Telnyx's JSON"),
    afterMs: null,
    provenUnsent: false,
  });
  expect(await telnyx.send(probe)).toMatchObject({ kind: 'unknown' });
});

test('a 200 that is empty stays a promise', async () => {
  const api = await serve((_, response) => void response.writeHead(200).end());
  expect(await client(api.url).send(hangup)).toMatchObject({ kind: 'accepted', status: 200 });
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['BR', brotliCompressSync],
  ['identity', Buffer.from],
] as [string, (text: string) => Buffer][])(
  'an answer that a proxy has compressed (%s) is read',
  async (coding, compress) => {
    const api = await serve();
    const telnyx = client(api.url);
    const answer = (status: number, body: unknown) => {
      api.reply = (_, response) => {
        response.writeHead(status, { 'content-encoding': coding });
        response.end(compress(JSON.stringify(body)));
      };
    };
    answer(200, { data: { result: 'ok' } });
    expect(await telnyx.send(hangup)).toMatchObject({ kind: 'accepted' });
    expect(api.requests[0]?.headers['accept-encoding']).toBe('identity');
    answer(200, { data: { is_alive: true } });
    expect(await telnyx.send(probe)).toMatchObject({ kind: 'accepted', alive: true });
    answer(422, { errors: [{ code: '90018', title: 'Call has already ended' }] });
    expect(await telnyx.send(hangup)).toMatchObject({ kind: 'rejected', callEnded: true });
  },
);

test('a compressed answer that cannot be read goes by its status, and is not unpacked without end', async () => {
  const api = await serve();
  const telnyx = client(api.url);
  const answer = (status: number, coding: string, bytes: Buffer) => {
    api.reply = (_, response) => {
      response.writeHead(status, { 'content-encoding': coding }).end(bytes);
    };
  };
  answer(200, 'secret', Buffer.from('?'));
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'accepted' });
  answer(200, 'gzip', Buffer.from('{'));
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'accepted' });
  answer(422, 'gzip', Buffer.from('{'));
  expect(await telnyx.send(hangup)).toMatchObject({ kind: 'retry', provenUnsent: false });
  answer(200, 'gzip', gzipSync(`{"data":${' '.repeat(3 * 1024 * 1024)}{"is_alive":true}}`));
  expect(await telnyx.send(probe)).toMatchObject({ kind: 'unknown' });
});

test.each([
  ['cut', { 'content-length': '1000' }, 20],
  ['endless', {}, 2 * 1024 * 1024],
])('a page that is %s is no promise, although it says 200', async (_how, headers, bytes) => {
  const api = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'Text/HTML; charset=utf-8', ...headers });
    response.write('<html>'.padEnd(bytes, 'x'), () => response.destroy());
  });
  expect(await client(api.url).send(hangup)).toMatchObject({ kind: 'retry', provenUnsent: false });
});
