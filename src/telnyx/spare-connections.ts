/**
 * Connections opened before anybody calls, so that the first caller does not wait for a DNS answer, TCP
 * and TLS. The pool takes them where it would open one; the TLS session is kept for all that follow.
 */
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

export interface SpareConnections {
  /** What the pool connects with. */
  connect: buildConnector.connector;
  /** Opens so many; a failure is not one, for the pool then tries itself. */
  open(count: number): Promise<void>;
  close(): void;
}

export function createSpareConnections(origin: string, timeoutMs: number): SpareConnections {
  const connect = buildConnector({ timeout: timeoutMs });
  /** Each with what drops it when it ends. */
  const spares = new Map<Socket, () => void>();
  const { hostname, host, protocol, port } = new URL(origin);
  let closed = false;

  return {
    connect(options, callback) {
      const [spare] = spares;
      if (spare === undefined) {
        connect(options, callback);
        return;
      }
      const [socket, drop] = spare;
      spares.delete(socket);
      socket.off('end', drop).off('error', drop).off('close', drop);
      // Not at once: the pool is in the middle of asking, and would not look again.
      queueMicrotask(() => callback(null, socket));
    },
    async open(count) {
      await Promise.all(Array.from({ length: count }, openOne));
    },
    close() {
      closed = true;
      for (const socket of spares.keys()) socket.destroy();
    },
  };

  function openOne(): Promise<void> {
    return new Promise((resolve) => {
      connect({ hostname: withoutBrackets(hostname), host, protocol, port }, (error, socket) => {
        if (error === null && closed) socket.destroy();
        else if (error === null) keep(socket);
        resolve();
      });
    });
  }

  function keep(socket: Socket): void {
    const drop = () => {
      spares.delete(socket);
      socket.destroy();
    };
    socket.once('end', drop).once('error', drop).once('close', drop);
    spares.set(socket, drop);
  }
}

/** Sockets want an IPv6 address bare, as undici passes it on. */
function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
