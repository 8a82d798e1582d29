import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createFetch } from 'ofetch';
import { afterEach, expect, test } from 'vitest';
import {
  createTransport,
  NotWritten,
  type PlainResponse,
  type Transport,
} from '../../src/telnyx/transport.ts';
import { certificateOf } from '../helpers/tls-api.ts';
import { waitFor } from '../helpers/waiting.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve() {
  const sockets: Socket[] = [];
  const paths: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.end('{}');
  });
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { origin: `http://127.0.0.1:${portOf(server)}`, sockets, paths };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function transportTo(origin: string): Transport {
  const transport = createTransport(origin, {
    connectionsMax: 4,
    connectTimeoutMs: 1_000,
    bodyBytesMax: 1_000,
  });
  closing.push(transport.close);
  return transport;
}

async function get(transport: Transport, url: string, mayWrite?: () => boolean): Promise<number> {
  const send = transport.request as unknown as typeof fetch;
  const api = createFetch({ fetch: send, defaults: { responseType: 'stream' } });
  const init = { method: 'GET', mayWrite };
  const response: unknown = await api.raw(url, init);
  const plain = response as PlainResponse;
  await plain.body.text();
  return plain.status;
}

test('what may not be written is not, on a new connection or on one that was kept, and the next request is', async () => {
  const { origin, sockets, paths } = await serve();
  const transport = transportTo(origin);
  const refused = { cause: expect.any(NotWritten) };
  await expect(get(transport, `${origin}/new`, () => false)).rejects.toMatchObject(refused);
  expect(await get(transport, `${origin}/first`, () => true)).toBe(200);
  await expect(get(transport, `${origin}/kept`, () => false)).rejects.toMatchObject(refused);
  expect(await get(transport, `${origin}/second`)).toBe(200);
  expect(paths).toEqual(['/first', '/second']);
  expect(sockets.length).toBeGreaterThan(0);
});

test('it is asked after the connection is there, right before the write', async () => {
  const { origin, sockets } = await serve();
  const transport = transportTo(origin);
  const connected = () => waitFor(() => expect(sockets).toHaveLength(1));
  let asked = 0;
  const answered = get(transport, `${origin}/a`, () => {
    asked += 1;
    return true;
  });
  expect(asked).toBe(0);
  await connected();
  expect(await answered).toBe(200);
  expect(asked).toBe(1);
});

test.each(['http', 'https'])(
  'what is given up over %s is not sent later by the system: its connection is reset',
  async (scheme) => {
    const certificate = certificateOf('localhost');
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, String(certificate.cert)]);
    closing.push(async () => setDefaultCACertificates(before));
    const server = scheme === 'http' ? createServer() : createTlsServer(certificate);
    const request = once(server, 'request');
    const network = createTcpServer();
    const connection = once(network, 'connection');
    for (const each of [server, network]) {
      await once(each.listen(0, '127.0.0.1'), 'listening');
      closing.push(async () => void each.close());
    }
    const origin = `${scheme}://localhost:${portOf(network)}`;
    const given = new AbortController();
    const init = { method: 'POST', body: '{}', headers: {}, signal: given.signal };
    const answer = transportTo(origin).request(`${origin}/refer`, init);
    const [near] = (await connection) as [Socket];
    const far = connect(portOf(server), '127.0.0.1');
    const end = once(near, 'error').finally(() => far.destroy());
    near.pipe(far).pipe(near);
    await request;
    given.abort(new Error('given up'));
    await expect(answer).rejects.toThrow('given up');
    expect(await end).toMatchObject([{ code: 'ECONNRESET' }]);
  },
);
