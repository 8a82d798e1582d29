/**
 * Answers that are compressed although we ask for none that are: a proxy between Telnyx and us may
 * do so all the same, and every command would then seem to have been answered by somebody else.
 */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';

type Decoder = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['identity', async (bytes) => Buffer.from(bytes)],
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
  ['zstd', promisify(zstdDecompress)],
]);

/** `coding` is the Content-Encoding header. Rejects if it cannot be decoded into that many bytes. */
export async function decoded(
  bytes: Uint8Array,
  coding: string,
  bytesMax: number,
): Promise<string> {
  let decodedBytes = bytes;
  // The codings are listed in the order in which they were applied (RFC 9110, 8.4).
  for (const name of coding.toLowerCase().split(',').toReversed()) {
    const decode = DECODERS.get(name.trim());
    if (decode === undefined) throw new Error(`unknown Content-Encoding ${name.trim()}`);
    decodedBytes = await decode(decodedBytes, { maxOutputLength: bytesMax });
  }
  return new TextDecoder().decode(decodedBytes);
}
