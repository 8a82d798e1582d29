/**
 * The stand-in for Telnyx's API, a process of its own: accepts every command and remembers what it
 * got.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sharedNow } from './load.ts';

export interface ApiSaw {
  /** Commands by action. */
  actions: Record<string, number>;
  /** Arrival of the REFER by call_control_id. */
  refers: Record<string, number>;
  /** The same command_id a second time. */
  repeated: number;
}

let saw: ApiSaw = empty();
const ids = new Set<string>();
/** Asked for in quiet times, so that connections stay open: no command, and of no call. */
const WARM_PATH = '/v2/public_key';
const PATH = /^\/v2\/calls\/([^/]+)\/actions\/([a-z_]+)$/;

const server = createServer((request, response) => {
  const arrivedAt = sharedNow();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    if (request.url === WARM_PATH) {
      response.end('{"data":{}}');
      return;
    }
    const [, leg = '', action = 'other'] = PATH.exec(request.url ?? '') ?? [];
    saw.actions[action] = (saw.actions[action] ?? 0) + 1;
    if (action === 'refer') saw.refers[decodeURIComponent(leg)] = arrivedAt;
    const id = /"command_id":"([^"]+)"/.exec(Buffer.concat(chunks).toString())?.[1];
    if (id !== undefined && ids.has(id)) saw.repeated += 1;
    if (id !== undefined) ids.add(id);
    response.end('{"data":{"result":"ok"}}');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('message', (message) => {
  if (message !== 'take') process.exit(0);
  process.send?.(saw);
  saw = empty();
  ids.clear();
});

function empty(): ApiSaw {
  return { actions: {}, refers: {}, repeated: 0 };
}
