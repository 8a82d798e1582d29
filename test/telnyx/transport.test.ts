import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createFetch } from 'ofetch';
import { afterEach, expect, test } from 'vitest';
import { createTransport, type PlainResponse, type Transport } from '../../src/telnyx/transport.ts';
import { waitFor } from '../helpers/waiting.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve() {
  const sockets: Socket[] = [];
  const server = createServer((_, response) => response.end('{}'));
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
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

async function get(transport: Transport, url: string): Promise<number> {
  const api = createFetch({ fetch: transport.fetch, defaults: { responseType: 'stream' } });
  const response: unknown = await api.raw(url, { method: 'GET' });
  const plain = response as PlainResponse;
  await plain.body.text();
  return plain.status;
}

test('a request uses a connection that was opened before it', async () => {
  const { origin, sockets } = await serve();
  const transport = transportTo(origin);
  await transport.warm(1);
  await waitFor(() => expect(sockets).toHaveLength(1));
  expect(await get(transport, `${origin}/a`)).toBe(200);
  expect(sockets).toHaveLength(1);
});

test('one that the server has closed meanwhile is not used', async () => {
  const { origin, sockets } = await serve();
  const transport = transportTo(origin);
  await transport.warm(2);
  await waitFor(() => expect(sockets).toHaveLength(2));
  const ended = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.end();
  await Promise.all(ended);
  expect(await get(transport, `${origin}/a`)).toBe(200);
  expect(sockets).toHaveLength(3);
});

test('opening ahead never fails, whatever is at the other end', async () => {
  await expect(transportTo('http://127.0.0.1:1').warm(2)).resolves.toBeUndefined();
  await expect(transportTo('https://telnyx.invalid').warm(1)).resolves.toBeUndefined();
});
