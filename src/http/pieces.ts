/**
 * A chunked body may arrive in pieces of any size, and Node's readers keep an object for each: 30
 * MB of single bytes from twenty clients took 2 GB and blocked the event loop. This module joins
 * the pieces in one buffer, and a client that sends too many is disconnected.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HTTP_LIMITS } from './limits.ts';

export function gatherPieces(server: FastifyInstance): void {
  server.addHook('preParsing', (request, reply, payload, done) => {
    const chunked = request.headers['transfer-encoding'] !== undefined;
    done(null, chunked ? gathered(request, reply) : payload);
  });
}

function gathered({ raw }: FastifyRequest, reply: FastifyReply): Readable {
  const { bodyBytesMax, bodyPiecesMax } = HTTP_LIMITS;
  const whole = new Readable({ read() {} });
  // If nothing reads the body, an error of an aborted upload would have no other listener.
  whole.on('error', () => {});
  let bytes = Buffer.allocUnsafe(FIRST_BYTES);
  let length = 0;
  let pieces = 0;
  let handedOver = false;

  raw.on('data', (piece: Buffer) => {
    pieces += 1;
    if (pieces > bodyPiecesMax) cutOff();
    else if (!handedOver) take(piece);
  });
  raw.on('end', () => {
    handOver();
    whole.push(null);
  });
  raw.on('error', (error) => whole.destroy(error));
  return whole;

  function take(piece: Buffer): void {
    if (length + piece.length > bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * bytes.length, length + piece.length));
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
    piece.copy(bytes, length);
    length += piece.length;
    // The reader reports that it is too large; the rest is dropped.
    if (length > bodyBytesMax) handOver();
  }

  function handOver(): void {
    if (!handedOver && length > 0) whole.push(bytes.subarray(0, length));
    handedOver = true;
  }

  function cutOff(): void {
    raw.pause();
    if (reply.sent || handedOver) {
      raw.destroy();
      return;
    }
    reply.header('connection', 'close');
    reply.raw.once('finish', () => raw.destroy());
    whole.destroy(new TooManyPieces());
  }
}

class TooManyPieces extends Error {
  readonly code = 'TOO_MANY_PIECES';
  readonly statusCode = 400;
}

/** Fits a webhook, which is 1 to 3 KB. */
const FIRST_BYTES = 4_096;
