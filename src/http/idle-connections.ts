/** Closes idle connections if there are many, so that they do not keep webhooks out. */
import type { Server } from 'node:http';
import { HTTP_LIMITS } from './limits.ts';

export function closeIdleConnections(
  server: Server,
  limits: { connectionsKept: number; connectionsCheckMs: number } = HTTP_LIMITS,
): void {
  let open = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    // Not by the wall clock: set back by an hour, it would keep all connections for an hour.
    const at = performance.now();
    if (open <= limits.connectionsKept || at - lookedAt < limits.connectionsCheckMs) return;
    lookedAt = at;
    server.closeIdleConnections();
  });
}
