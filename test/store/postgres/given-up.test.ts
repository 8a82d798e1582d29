/** What is given up because the server is silent; the server is a stand-in that lets us in. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { openPool } from '../../../src/store/postgres/pool.ts';
import { certificateOf } from '../../helpers/tls-api.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** AuthenticationOk and ReadyForQuery; without TLS its answer to SSLRequest is missing. */
const WELCOME = Buffer.from([
  ...Buffer.from('R\0\0\0\u0008\0\0\0\0'),
  ...Buffer.from('Z\0\0\0\u0005I'),
]);

/** Resolves with the error that ends the connection. */
async function letIn(tcp: Socket, certificate: { key: Buffer; cert: Buffer } | null) {
  let stream: Socket = tcp;
  if (certificate !== null) {
    await once(tcp, 'data');
    tcp.write('S');
    stream = new TLSSocket(tcp, { isServer: true, ...certificate });
  }
  const end = new Promise((resolve) => stream.on('error', resolve));
  stream.once('data', () => stream.write(WELCOME));
  return end;
}

test.each([
  ['', ''],
  [' over TLS', '?sslmode=no-verify'],
])(
  'a statement that is given up is not sent later by the system: its connection is reset%s',
  async (_, query) => {
    const certificate = query === '' ? null : certificateOf('localhost');
    const ends: Promise<unknown>[] = [];
    const server = createServer((tcp) => {
      ends.push(letIn(tcp, certificate));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    closing.push(async () => void server.close());
    const { port } = server.address() as AddressInfo;
    const pool = openPool(`postgres://u:p@127.0.0.1:${port}/d${query}`, 500);
    closing.push(() => pool.close());
    await expect(pool.query('select 1')).rejects.toThrow('timeout');
    expect(await Promise.all(ends)).toMatchObject([{ code: 'ECONNRESET' }]);
  },
);
