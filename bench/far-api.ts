/**
 * The stand-in for a distant Telnyx API, in its own process: TLS, 30 ms each way, and idle
 * connections are closed silently, as load balancers do.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { certificateOf } from '../test/helpers/tls-api.ts';
import { sharedNow } from './load.ts';

/** The certificate to trust is written to `certFile`; `start` is the first message. */
export interface FarApiStart {
  certFile: string;
  idleMs: number;
}

/** Answered with `FarApiSaw` when this command of this call has arrived. */
export interface FarApiQuestion {
  callId: string;
  action: string;
}

export interface FarApiSaw {
  at: number;
  /** How often it arrived. */
  times: number;
  /** TLS handshakes so far, from all clients. */
  handshakes: number;
}

export const ONE_WAY_MS = 30;
const PATH = /^\/v2\/calls\/([^/]+)\/actions\/([a-z_]+)$/;

const arrivals = new Map<string, number[]>();
const waiting = new Map<string, () => void>();
let handshakes = 0;

if (import.meta.main) {
  process.once('message', (message: FarApiStart) => {
    void start(message);
    process.on('message', answer);
  });
}

async function start({ certFile, idleMs }: FarApiStart): Promise<void> {
  const { key, cert } = certificateOf('localhost');
  writeFileSync(certFile, cert);
  const server = createServer({ key, cert, keepAliveTimeout: 0 }, (request, response) => {
    const [, leg = '', action = ''] = PATH.exec(request.url ?? '') ?? [];
    note(`${decodeURIComponent(leg)} ${action}`);
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end('{"data":{"result":"ok"}}');
    });
  });
  server.on('secureConnection', (socket) => {
    handshakes += 1;
    // Counts both reads and writes: this is the idle time of the whole connection.
    socket.setTimeout(idleMs, () => socket.end());
  });
  const port = await listening(server);
  const far = createTcpServer({ allowHalfOpen: true }, (near) => relay(near, port));
  process.send?.({ port: await listening(far) });
}

/** The delay of TCP's own handshake is added to the first bytes. */
function relay(near: Socket, port: number): void {
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  near.setNoDelay();
  delay(near, far, 2 * ONE_WAY_MS);
  delay(far, near, 0);
}

function delay(from: Socket, to: Socket, onceMs: number): void {
  const openAt = performance.now() + onceMs;
  const later = (act: () => void) =>
    setTimeout(act, ONE_WAY_MS + Math.max(0, openAt - performance.now()));
  from.on('data', (chunk) => later(() => void (to.writable && to.write(chunk))));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
}

function note(what: string): void {
  arrivals.set(what, [...(arrivals.get(what) ?? []), sharedNow()]);
  waiting.get(what)?.();
}

function answer({ callId, action }: FarApiQuestion): void {
  const what = `${callId} ${action}`;
  const tell = () => {
    const [at = Number.NaN, ...more] = arrivals.get(what) ?? [];
    process.send?.({ at, times: 1 + more.length, handshakes } satisfies FarApiSaw);
    waiting.delete(what);
  };
  if (arrivals.has(what)) tell();
  else waiting.set(what, tell);
}

async function listening(server: import('node:net').Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
