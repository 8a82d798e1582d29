/** The body of a request to the simulated API. */
import type { IncomingMessage } from 'node:http';

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
