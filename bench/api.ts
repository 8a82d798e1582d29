/** The stand-in for Telnyx's API, in its own process: accepts every command and records it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sharedNow } from './load.ts';

export interface ApiSaw {
  /** Number of commands by action. */
  actions: Record<string, number>;
  /** Arrival time of the REFER by call_control_id. */
  refers: Record<string, number>;
  /** Number of commands whose command_id was already known. */
  repeated: number;
}

let saw: ApiSaw = empty();
const ids = new Set<string>();
/** Requested in quiet times to keep connections open; not a command, and not about a call. */
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
