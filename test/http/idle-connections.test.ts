/** Connections that keep others out, and a wall clock that is set back. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { closeIdleConnections } from '../../src/http/idle-connections.ts';

let server: Server;
const sockets: Socket[] = [];
beforeEach(async () => {
  // Node itself closes none before the test is over.
  const keepAliveTimeout = 600_000;
  server = createServer({ keepAliveTimeout }, (_request, response) => response.end('ok'));
  closeIdleConnections(server, { connectionsKept: 2, connectionsCheckMs: 0 });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
  await once(server, 'close');
});

/** One that has had its answer. */
async function idle(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  socket.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

test('idle ones are closed to make room, also after the wall clock was set back', async () => {
  const first = await idle();
  await idle();
  const ended = once(first, 'end');
  await idle();
  await ended;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
  const second = await idle();
  const endedToo = once(second, 'end');
  await idle();
  await idle();
  await endedToo;
  expect(second.readableEnded).toBe(true);
});
