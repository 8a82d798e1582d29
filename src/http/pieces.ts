/**
 * Joins the pieces of a body in one buffer, and counts that buffer in the common budget of all
 * bodies. Node's readers keep an object for each piece: 30 MB of single bytes from twenty clients
 * took 2 GB and blocked the event loop, so a client that sends too many chunks is disconnected.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BodyBudget } from './body-budget.ts';
import { HTTP_LIMITS } from './limits.ts';

export function gatherPieces(server: FastifyInstance, budget: BodyBudget): void {
  server.addHook('preParsing', (request, reply, payload, done) => {
    done(null, isGathered(request) ? gathered(request, reply, budget) : payload);
  });
}

/**
 * A body that says it is small is left to its reader, which costs less: the number of connections
 * bounds what these take together. One that says it is too large is refused unread.
 */
function isGathered({ headers }: FastifyRequest): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  const length = Number(headers['content-length'] ?? 0);
  return length > HTTP_LIMITS.bodyBytesUncounted && length <= HTTP_LIMITS.bodyBytesMax;
}

function gathered({ raw, headers }: FastifyRequest, reply: FastifyReply, budget: BodyBudget) {
  const { bodyBytesMax, bodyBytesUncounted, bodyPiecesMax } = HTTP_LIMITS;
  const chunked = headers['transfer-encoding'] !== undefined;
  const most = chunked ? bodyBytesMax : Number(headers['content-length']);
  const whole = new Readable({ read() {} });
  // If nothing reads the body, an error of an aborted upload would have no other listener.
  whole.on('error', () => {});
  let bytes: Buffer = NOTHING;
  let length = 0;
  let pieces = 0;
  /** Handed over or dropped: what still comes is not kept. */
  let settled = false;
  const held = budget.begin(() => drop(new TooManyBytes()));

  raw.on('data', (piece: Buffer) => {
    pieces += 1;
    if (chunked && pieces > bodyPiecesMax) cutOff();
    else if (!settled) take(piece);
  });
  raw.on('end', () => {
    handOver();
    if (!whole.destroyed) whole.push(null);
  });
  raw.on('error', (error) => drop(error));
  reply.raw.once('close', () => {
    settled = true;
    bytes = NOTHING;
    held.end();
  });
  return whole;

  function take(piece: Buffer): void {
    const needed = length + piece.length;
    if (needed > bytes.length) {
      const doubled = Math.min(2 * bytes.length, most);
      const larger = Math.max(needed, doubled, bodyBytesUncounted);
      // Another body gives way to this one, or this one is dropped.
      held.grow(larger);
      if (settled) return;
      const grown = Buffer.allocUnsafe(larger);
      bytes.copy(grown, 0, 0, length);
      bytes = grown;
    }
    piece.copy(bytes, length);
    length = needed;
    // The reader reports that it is too large; the rest is dropped.
    if (length > bodyBytesMax) handOver();
  }

  function handOver(): void {
    if (!settled && length > 0) whole.push(bytes.subarray(0, length));
    settled = true;
    // What is read from the stream is a copy.
    bytes = NOTHING;
    held.complete();
  }

  function drop(error: Error): void {
    settled = true;
    bytes = NOTHING;
    held.end();
    whole.destroy(error);
  }

  function cutOff(): void {
    raw.pause();
    if (reply.sent || settled) {
      raw.destroy();
      return;
    }
    reply.header('connection', 'close');
    reply.raw.once('finish', () => raw.destroy());
    drop(new TooManyPieces());
  }
}

class TooManyPieces extends Error {
  readonly code = 'TOO_MANY_PIECES';
}

class TooManyBytes extends Error {
  readonly code = 'TOO_MANY_BYTES';
}

const NOTHING = Buffer.alloc(0);
