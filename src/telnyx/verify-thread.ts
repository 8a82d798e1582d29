/**
 * libsodium, for all webhooks of a turn of the event loop in one go: in a thread of its own, a
 * third less work than OpenSSL's Ed25519 in Node's thread pool with a hand-over for each. The few
 * of a quiet turn are verified where they are, for to hand those over would take longer. So are all
 * on a single core, until the thread has started, and from then on if it should ever end. Even
 * there one go is better: the refusals of a turn leave together, and a forged webhook costs a fifth
 * less.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

export type VerifySync = (signature: Buffer, message: Buffer, publicKey: Buffer) => boolean;

/** One to verify, as it is handed over: both ends read and write it here. */
export interface Signed {
  message: Buffer;
  signature: Buffer;
  publicKey: Buffer;
}

interface Waiting extends Signed {
  resolve(genuine: boolean): void;
}

/** A hand-over and back is some 40 µs, what one verification takes. */
const VERIFIED_HERE_MAX = 2;

/** A .ts file in a checkout, a .js file in the package. */
export const VERIFY_WORKER = new URL(
  `./verify-worker${extname(import.meta.filename)}`,
  import.meta.url,
);

/** `file`: what the thread runs; null: there is none. */
export function createVerifyThread(
  verifySync: VerifySync,
  file: URL | null,
): (signed: Signed) => Promise<boolean> {
  let turn: Waiting[] = [];
  /** Batches that the thread has, oldest first: it answers in order. */
  let handedOver: Waiting[][] = [];
  let worker: Worker | null = null;
  let phase: 'none' | 'starting' | 'ready' | 'ended' = 'none';

  return (signed) =>
    new Promise((resolve) => {
      // libsodium throws at these, or does not look: one must not strike its whole turn, nor be
      // taken for genuine.
      const fits =
        signed.signature.length === SIGNATURE_BYTES && signed.publicKey.length === KEY_BYTES;
      if (!fits) resolve(false);
      else if (turn.push({ ...signed, resolve }) === 1) setImmediate(flush);
    });

  function flush(): void {
    const batch = turn;
    turn = [];
    const few = batch.length <= VERIFIED_HERE_MAX;
    if (!few && phase === 'none' && file !== null) start(file);
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

  function start(file: URL): void {
    phase = 'starting';
    try {
      worker = new Worker(file);
    } catch {
      // No more threads for this process: it goes on with the one it has.
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
    // Without a listener an error would end the process; the exit follows it.
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

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
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
