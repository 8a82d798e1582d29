/**
 * Verifies all signatures of one turn of the event loop in one batch, with libsodium in its own
 * thread. That is a third less work than OpenSSL's Ed25519 in Node's thread pool, with its
 * hand-over for each signature. Small batches are verified right here, because handing them over
 * would take longer. So are all batches before the thread has started and after it has ended.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { hasRightLengths, KEY_BYTES, SIGNATURE_BYTES, type VerifySync } from './sodium.ts';

/** One signature to verify. `packSigned` and `unpackSigned` below carry it to the thread. */
export interface Signed {
  message: Buffer;
  signature: Buffer;
  publicKey: Buffer;
}

interface Waiting extends Signed {
  resolve(genuine: boolean): void;
}

/** A hand-over and back takes about 40 µs, as long as one verification. */
const VERIFIED_HERE_MAX = 2;

/** A .ts file in a checkout, a .js file in the package. */
export const VERIFY_WORKER = new URL(
  `./verify-worker${extname(import.meta.filename)}`,
  import.meta.url,
);

/** `file`: the module that the thread runs. */
export function createVerifyThread(
  verifySync: VerifySync,
  file: URL = VERIFY_WORKER,
): (signed: Signed) => Promise<boolean> {
  let turn: Waiting[] = [];
  /** Batches that the thread is working on, oldest first; it answers in order. */
  let handedOver: Waiting[][] = [];
  let worker: Worker | null = null;
  let phase: 'none' | 'starting' | 'ready' | 'ended' = 'none';

  return (signed) =>
    new Promise((resolve) => {
      // The message to the thread has no room for other lengths.
      if (!hasRightLengths(signed.signature, signed.publicKey)) resolve(false);
      else if (turn.push({ ...signed, resolve }) === 1) setImmediate(flush);
    });

  function flush(): void {
    const batch = turn;
    turn = [];
    const few = batch.length <= VERIFIED_HERE_MAX;
    if (!few && phase === 'none') start();
    if (few || phase !== 'ready') {
      verifyHere(batch);
      return;
    }
    if (handedOver.push(batch) === 1) worker?.ref();
    const bytes = packSigned(batch);
    worker?.postMessage(bytes, [bytes]);
  }

  function verifyHere(batch: Waiting[]): void {
    for (const { message, signature, publicKey, resolve } of batch) {
      resolve(verifySync(signature, message, publicKey));
    }
  }

  function start(): void {
    phase = 'starting';
    try {
      worker = new Worker(file);
    } catch {
      // The system allows no more threads, so everything is verified in this one.
      phase = 'ended';
      return;
    }
    worker.on('message', (answer: Uint8Array | 'ready') => {
      if (answer === 'ready') {
        phase = 'ready';
        return;
      }
      handedOver.shift()?.forEach(({ resolve }, n) => {
        resolve(answer[n] === 1);
      });
      if (handedOver.length === 0) worker?.unref();
    });
    // Without a listener an error would end the process. The 'exit' event follows and is handled.
    worker.on('error', () => {});
    worker.on('exit', () => {
      phase = 'ended';
      const left = handedOver.flat();
      handedOver = [];
      verifyHere(left);
    });
    worker.unref();
  }
}

const LENGTH_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + KEY_BYTES + SIGNATURE_BYTES;

function packSigned(batch: readonly Signed[]): ArrayBuffer {
  const size = batch.reduce((sum, { message }) => sum + HEAD_BYTES + message.length, 0);
  const bytes = new ArrayBuffer(size);
  const buffer = Buffer.from(bytes);
  let at = 0;
  for (const { message, signature, publicKey } of batch) {
    at = buffer.writeUInt32LE(message.length, at);
    at += publicKey.copy(buffer, at);
    at += signature.copy(buffer, at);
    at += message.copy(buffer, at);
  }
  return bytes;
}

export function* unpackSigned(bytes: ArrayBuffer): Generator<Signed> {
  const buffer = Buffer.from(bytes);
  for (let at = 0; at < buffer.length; ) {
    const keyAt = at + LENGTH_BYTES;
    const messageAt = at + HEAD_BYTES;
    const end = messageAt + buffer.readUInt32LE(at);
    yield {
      publicKey: buffer.subarray(keyAt, keyAt + KEY_BYTES),
      signature: buffer.subarray(keyAt + KEY_BYTES, messageAt),
      message: buffer.subarray(messageAt, end),
    };
    at = end;
  }
}
