/** HTTPS_PROXY: a real CONNECT proxy on loopback, and TLS with a stand-in for Telnyx behind it. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Command } from '../../src/core/machine/command.ts';
import { createTelnyxClient, type TelnyxClient } from '../../src/telnyx/client.ts';
import { freePort } from '../helpers/free-port.ts';
import { ownTime } from '../helpers/own-time.ts';

/** A name that only the proxy can resolve, so a request that bypasses it fails. */
const TELNYX = 'api.telnyx.invalid';
const CREDENTIALS = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;

const folder = mkdtempSync(join(tmpdir(), 'referee-proxy-'));
const before = getCACertificates('default');
const paths: string[] = [];
const telnyx = { port: 0, answers: true, close: async () => {} };

beforeAll(async () => {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = `subjectAltName=DNS:${TELNYX}`;
  const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2`;
  execFileSync(
    'openssl',
    [...args.split(' '), '-subj', '/CN=test', '-addext', names, '-keyout', key, '-out', cert],
    { stdio: 'pipe' },
  );
  setDefaultCACertificates([...before, readFileSync(cert, 'utf8')]);
  const server = createTlsServer(
    { key: readFileSync(key), cert: readFileSync(cert) },
    (request, response) => {
      paths.push(`${request.method} ${request.url}`);
      if (telnyx.answers) response.end('{"data":{"result":"ok"}}');
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  telnyx.port = (server.address() as AddressInfo).port;
  telnyx.close = async () => {
    server.closeAllConnections();
    server.close();
  };
});
afterAll(async () => {
  await telnyx.close();
  setDefaultCACertificates(before);
  rmSync(folder, { recursive: true, force: true });
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Tunnel = (request: IncomingMessage, socket: Socket) => void;

async function startProxy(tunnel: Tunnel) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttpServer();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.on('connect', (request, socket: Socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
    tunnel(request, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

/** Connects to the stand-in, whatever the name. */
const through: Tunnel = (_, socket) => {
  const onward = connect(telnyx.port, '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.pipe(onward).pipe(socket);
  });
  onward.on('error', () => socket.destroy());
};

const refuses =
  (status: number): Tunnel =>
  (_, socket) =>
    void socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);

function client(proxyPort: number, none = '', timeoutMs = 5_000): TelnyxClient {
  const made = createTelnyxClient({
    apiUrl: `https://${TELNYX}/v2`,
    apiKey: 'KEY_secret',
    env: {},
    timeoutMs,
    proxy: { url: `http://user:p%40ss@127.0.0.1:${proxyPort}/`, none },
  });
  closing.push(made.close);
  return made;
}

const hangup: Command = {
  id: '51d844c6-f069-5b7c-925b-7fdbf10dfd2f',
  callId: 'leg',
  legId: 'leg',
  attemptId: null,
  giveUpAt: null,
  clientState: 'eyJ2IjoxfQ==',
  action: 'hangup',
};

test('commands go through the proxy, with its credentials, and TLS ends at Telnyx', async () => {
  const proxy = await startProxy(through);
  const api = client(proxy.port);
  for (let n = 0; n < 3; n += 1) {
    expect(await api.send(hangup)).toMatchObject({ kind: 'accepted', status: 200 });
  }
  expect(paths.slice(-3)).toEqual(Array(3).fill('POST /v2/calls/leg/actions/hangup'));
  expect(new Set(proxy.asked)).toEqual(new Set([`${TELNYX}:443 ${CREDENTIALS}`]));
  // Connections are kept alive.
  expect(proxy.asked.length).toBeLessThanOrEqual(2);
});

test.each([
  [407, /its user or password is missing or wrong/],
  [403, /answered CONNECT with 403/],
  [502, /answered CONNECT with 502/],
])('a proxy that answers CONNECT with %i proves that nothing was sent', async (status, words) => {
  const proxy = await startProxy(refuses(status));
  const outcome = await client(proxy.port).send(hangup);
  expect(outcome).toMatchObject({ kind: 'retry', provenUnsent: true, status: null });
  expect(outcome).toMatchObject({ detail: expect.stringMatching(words) });
  expect(JSON.stringify(outcome)).not.toContain('p@ss');
});

test('a proxy that says nothing is given up in time, and the next request asks it again', async () => {
  let silent = true;
  const proxy = await startProxy((request, socket) => {
    if (!silent) through(request, socket);
  });
  const api = client(proxy.port, '', 1_000);
  using time = ownTime();
  expect(await api.send(hangup)).toMatchObject({ kind: 'retry', provenUnsent: true });
  expect(time.passedMs()).toBeLessThan(2_500);
  silent = false;
  await expect.poll(async () => (await api.send(hangup)).kind).toBe('accepted');
});

test('a tunnel that leads nowhere, and a proxy that is away, are given up in time', async () => {
  const proxy = await startProxy((_, socket) => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  });
  using time = ownTime();
  expect(await client(proxy.port, '', 1_000).send(hangup)).toMatchObject({
    kind: 'retry',
    provenUnsent: true,
  });
  expect(time.passedMs()).toBeLessThan(2_500);
  expect(await client(await freePort()).send(hangup)).toMatchObject({
    kind: 'retry',
    provenUnsent: true,
  });
});

test('a command that is given up is not sent on later: the connection to the proxy is reset', async () => {
  telnyx.answers = false;
  closing.push(() => {
    telnyx.answers = true;
  });
  const ends: Promise<unknown>[] = [];
  const proxy = await startProxy((request, socket) => {
    ends.push(once(socket, 'error'));
    through(request, socket);
  });
  const outcome = await client(proxy.port, '', 1_500).send(hangup);
  expect(outcome).toMatchObject({ kind: 'retry', provenUnsent: false });
  expect(await Promise.all(ends)).toMatchObject([[{ code: 'ECONNRESET' }]]);
});

test('a host of NO_PROXY is reached without the proxy', async () => {
  const proxy = await startProxy(through);
  const outcome = await client(proxy.port, 'telnyx.invalid').send(hangup);
  expect(outcome).toMatchObject({ kind: 'retry', detail: expect.stringContaining('ENOTFOUND') });
  expect(proxy.asked).toEqual([]);
});
