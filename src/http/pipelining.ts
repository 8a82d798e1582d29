/**
 * Limits the requests of one connection that are not answered yet. Node emits every request of a
 * piece of up to 64 KB in one turn of the event loop, however many of them wait: 20 clients that
 * pipelined 2,000 small requests each stopped the loop for seconds and took 400 MB. No proxy
 * pipelines, so whoever sends that many is disconnected.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { HTTP_LIMITS } from './limits.ts';

export function limitPipelining(
  { server }: FastifyInstance,
  cutOff: (remote: string | undefined) => void,
): void {
  const open = new WeakMap<Socket, number>();
  const handlers = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // The rest of a piece whose connection was closed.
    if (socket.destroyed) return;
    const waiting = (open.get(socket) ?? 0) + 1;
    if (waiting > HTTP_LIMITS.pipelinedMax) {
      cutOff(socket.remoteAddress);
      socket.destroy();
      return;
    }
    open.set(socket, waiting);
    response.once('close', () => open.set(socket, (open.get(socket) ?? 1) - 1));
    for (const handle of handlers) handle.call(server, request, response);
  });
}
