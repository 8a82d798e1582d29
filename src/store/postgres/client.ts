/**
 * A connection that can be given up so that nothing more of it is executed. After an ordinary close
 * the system goes on sending what the server has not acknowledged: with the network away for 7 s, a
 * statement that was given up after 5 s was executed after 14 s, by a server whose answer nobody
 * read. A reset drops what is left.
 *
 * A server that is waiting for a lock does not notice that its client has gone: while somebody held
 * a table for 40 s, 28 connections waited for it. So it is also asked to cancel.
 */
import { connect, type NetConnectOpts, Socket } from 'node:net';
import pg from 'pg';

const CANCEL_MS = 1_500;

export class Client extends pg.Client {
  /** TLS, if any, is around it: only TCP itself can be reset. */
  readonly #tcp: Socket;

  constructor(config?: pg.ClientConfig) {
    const tcp = new Socket();
    super({ ...config, stream: () => tcp });
    this.#tcp = tcp;
  }

  giveUp(): void {
    const { remoteAddress: host, remotePort: port } = this.#tcp;
    if (host !== undefined && port !== undefined) {
      this.#cancel({ host, port });
      this.#tcp.resetAndDestroy();
    } else if (!this.#tcp.destroyed && this.host.startsWith('/')) {
      // A Unix socket has no network that could hold anything back.
      this.#cancel({ path: `${this.host}/.s.PGSQL.${this.port}` });
    }
  }

  /**
   * Without TLS, which the server does not need for this; no answer comes.
   * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
   */
  #cancel(where: NetConnectOpts): void {
    // Its types lack both; null if the server sent none.
    const { processID, secretKey } = this as unknown as Record<string, number | null>;
    if (processID == null || secretKey == null) return;
    const request = Buffer.alloc(16);
    [request.length, CANCEL_REQUEST, processID, secretKey].forEach((number, n) => {
      request.writeInt32BE(number, n * 4);
    });
    const socket = connect(where);
    socket.on('error', () => {});
    socket.setTimeout(CANCEL_MS, () => socket.destroy()).unref();
    socket.end(request);
  }
}

const CANCEL_REQUEST = 80_877_102;

/** int8 as number: milliseconds and row numbers stay below 2^53. */
export function getTypeParser(oid: number, format?: 'text' | 'binary') {
  const INT8 = 20;
  if (oid === INT8) return Number;
  return pg.types.getTypeParser(oid, format);
}
