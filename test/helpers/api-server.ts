/** A real HTTP server on loopback that stands in for Telnyx and answers as each test says. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from './free-port.ts';

export interface ReceivedRequest {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  text: string;
  body: Record<string, unknown> | null;
}

export type Reply = (
  request: ReceivedRequest,
  response: ServerResponse,
  nth: number,
) => void | Promise<void>;

export interface ApiServer {
  url: string;
  requests: ReceivedRequest[];
  connections: number;
  reply: Reply;
  /** Resolves when this many requests have arrived in total. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startApiServer(reply: Reply = accept): Promise<ApiServer> {
  const waiting = new Set<() => void>();
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const request: ReceivedRequest = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      text,
      body: text === '' ? null : JSON.parse(text),
    };
    api.requests.push(request);
    for (const wake of waiting) wake();
    await api.reply(request, response, api.requests.length);
  });
  server.on('connection', () => {
    api.connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api: ApiServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`,
    requests: [],
    connections: 0,
    reply,
    arrived: (count) =>
      new Promise((resolve) => {
        const wake = () => {
          if (api.requests.length < count) return;
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        wake();
      }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return api;
}

export const accept: Reply = (request, response) => {
  const data = request.method === 'GET' ? { is_alive: true } : { result: 'ok' };
  json(response, 200, { data });
};

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** An address on which nothing listens. */
export async function refusedAddress(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}/v2`;
}
