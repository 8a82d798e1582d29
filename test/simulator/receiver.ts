/**
 * A webhook receiver for the simulator's tests: it verifies every signature with just node:crypto,
 * records webhooks, and waits for them.
 */
import { createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  type: string;
  id: string;
  occurredAt: string;
  payload: Record<string, unknown>;
  meta: { attempt: number; delivered_to: string };
  verified: boolean;
  headers: IncomingHttpHeaders;
  raw: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  types(): string[];
  /** Resolves with the nth event of this type (from 1), however long it takes. */
  next(type: string, nth?: number): Promise<Received>;
  stop(): Promise<void>;
}

export async function startReceiver(
  publicKey: () => string,
  answer: (event: Received) => number | null = () => 200,
): Promise<Receiver> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString('utf8');
    const { data, meta } = JSON.parse(raw);
    const event: Received = {
      type: data.event_type,
      id: data.id,
      occurredAt: data.occurred_at,
      payload: data.payload,
      meta,
      verified: isGenuine(publicKey(), request.headers, raw),
      headers: request.headers,
      raw,
    };
    received.push(event);
    const status = answer(event);
    if (status !== null) response.writeHead(status).end();
    for (const check of [...waiting]) check();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/webhooks/telnyx`,
    received,
    types: () => received.map((event) => event.type),
    next: (type, nth = 1) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = received.filter((event) => event.type === type)[nth - 1];
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function isGenuine(publicKey: string, headers: IncomingHttpHeaders, raw: string): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
    format: 'jwk',
  });
  const signature = Buffer.from(String(headers['telnyx-signature-ed25519']), 'base64');
  return verify(null, Buffer.from(`${headers['telnyx-timestamp']}|${raw}`), key, signature);
}
