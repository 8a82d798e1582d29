/** The body of a request to the simulated API, and whether its sender still waits. */
import type { IncomingMessage } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

export const UNREADABLE = Symbol('not JSON');

const BODY_BYTES_MAX = 1_048_576;

/** UNREADABLE if the body is not JSON; an empty object if there is none. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new RangeError(`body over ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const raw = Buffer.concat(chunks).toString('utf8');
  if (raw === '') return {};
  try {
    return JSON.parse(raw);
  } catch {
    return UNREADABLE;
  }
}

/**
 * Whether the sender has closed the connection. Node takes one new connection in each turn of the
 * loop, so on a busy machine a request may be read seconds after it was given up. Executing it then
 * would be a fault that no seed has chosen. The end of a connection is read a turn after the last
 * of what was sent on it, even if both had been waiting.
 */
export async function gaveUp({ socket }: IncomingMessage): Promise<boolean> {
  await turn();
  await turn();
  return socket.destroyed;
}
