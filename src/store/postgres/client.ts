/**
 * A connection that can be given up so that nothing more of it is executed. After an ordinary close
 * the system goes on sending what the server has not acknowledged: with the network away for 7 s, a
 * statement that was given up after 5 s was executed after 14 s, by a server whose answer nobody
 * read. A reset drops what is left.
 */
import { Socket } from 'node:net';
import pg from 'pg';

export class Client extends pg.Client {
  /** TLS, if any, is around it: only TCP itself can be reset. */
  readonly #tcp: Socket;

  constructor(config?: pg.ClientConfig) {
    const tcp = new Socket();
    super({ ...config, stream: () => tcp });
    this.#tcp = tcp;
  }

  giveUp(): void {
    // A Unix socket has no address, and no network that could hold anything back.
    if (this.#tcp.remoteAddress !== undefined) this.#tcp.resetAndDestroy();
  }
}

/** int8 as number: milliseconds and row numbers stay below 2^53. */
export function getTypeParser(oid: number, format?: 'text' | 'binary') {
  const INT8 = 20;
  if (oid === INT8) return Number;
  return pg.types.getTypeParser(oid, format);
}
