/** Telnyx's API over TLS on loopback, which closes idle connections as a load balancer does. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

export interface TlsApi {
  url: string;
  /** Method and URL of each request, in order. */
  requests: string[];
  handshakes: number;
  status: number;
  /** Answers wait for this. */
  answering: Promise<void>;
  /** Closes connections that no request uses; their end has been sent when this returns. */
  closeIdle(): void;
  close(): Promise<void>;
}

/** `idleMs` uses the timers of this process, so a test may fake them. */
export async function startTlsApi(idleMs: number): Promise<TlsApi> {
  const { key, cert } = certificateOf('localhost');
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, String(cert)]);
  const idle = new Map<Socket, NodeJS.Timeout>();
  const rest = (socket: Socket) => {
    clearTimeout(idle.get(socket));
    idle.set(
      socket,
      setTimeout(() => socket.end(), idleMs),
    );
  };
  const server = createServer({ key, cert, keepAliveTimeout: 0 }, async (request, response) => {
    const { socket } = request;
    clearTimeout(idle.get(socket));
    idle.delete(socket);
    api.requests.push(`${request.method} ${request.url}`);
    request.resume();
    await Promise.all([api.answering, request.readableEnded || once(request, 'end')]);
    response.statusCode = api.status;
    response.end('{"data":{"result":"ok"}}');
    rest(socket);
  });
  server.on('secureConnection', (socket: Socket) => {
    api.handshakes += 1;
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(idle.get(socket));
      idle.delete(socket);
    });
    rest(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api: TlsApi = {
    url: `https://localhost:${(server.address() as AddressInfo).port}/v2`,
    requests: [],
    handshakes: 0,
    status: 200,
    answering: Promise.resolve(),
    closeIdle() {
      for (const socket of idle.keys()) socket.end();
    },
    async close() {
      setDefaultCACertificates(before);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return api;
}

export function certificateOf(name: string): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'referee-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test`;
  const files = ['-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', cert];
  try {
    execFileSync('openssl', [...args.split(' '), ...files], { stdio: 'pipe' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
