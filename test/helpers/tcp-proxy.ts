/** A TCP proxy that can record, hold and cut connections. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Everything that clients have sent, one entry per connection. */
  sent: Buffer[][];
  /** Cuts every open connection; later ones work normally. */
  cut(): void;
  /**
   * Cuts a connection after the server has answered a client message that contains `text` and not
   * `without`.
   */
  cutAfter(text: string, without?: string): void;
  /** Once a client has sent this text, nothing from the server reaches that client any more. */
  deafAfter(text: string): void;
  /** Nothing passes, in either direction, until `pass`. */
  hold(): void;
  /** Nothing passes on the connections that are open now, as after a failover to another address. */
  abandon(): void;
  pass(): void;
  close(): Promise<void>;
}

export async function tcpProxy(
  target: { host: string; port: number },
  port = 0,
): Promise<TcpProxy> {
  const sent: Buffer[][] = [];
  const sockets = new Set<Socket>();
  let cut: { text: string; without: string | undefined } | null = null;
  let deafText: string | null = null;
  let held = false;

  const server = createServer((client) => {
    const upstream = connect(target);
    const mine: Buffer[] = [];
    sent.push(mine);
    let doomed = false;
    let deaf = false;
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (held) from.pause();
    }
    client.on('data', (bytes) => {
      mine.push(bytes);
      if (cut !== null && bytes.includes(cut.text)) {
        doomed = cut.without === undefined || !bytes.includes(cut.without);
        if (doomed) cut = null;
      }
      if (deafText !== null && bytes.includes(deafText)) deaf = true;
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (doomed) client.destroy();
      else if (!deaf) client.write(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));

  return {
    port: (server.address() as AddressInfo).port,
    sent,
    cut: () => {
      deafText = null;
      for (const socket of sockets) socket.destroy();
    },
    cutAfter: (text, without) => {
      cut = { text, without };
    },
    deafAfter: (text) => {
      deafText = text;
    },
    hold: () => {
      held = true;
      for (const socket of sockets) socket.pause();
    },
    abandon: () => {
      for (const socket of sockets) socket.pause();
    },
    pass: () => {
      held = false;
      for (const socket of sockets) socket.resume();
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
