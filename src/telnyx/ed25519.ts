/**
 * Three implementations of Ed25519 verification. For a webhook of 1.5 KB, `native` (node:crypto)
 * takes 0.07 ms in the thread pool. `sodium` (libsodium) takes 0.04 ms, mostly in its own thread,
 * or in the event loop on a single core. `tweetnacl` takes 4 to 7 ms of the event loop and is for
 * runtimes whose OpenSSL has no Ed25519 (FIPS builds). `npm run bench -- --only
 * tweetnacl-over-native` measures them.
 *
 * All recompute R from S, the key and the message without the cofactor and compare its encoding
 * byte by byte, so for signatures that were not made with the private key they differ in only one
 * case: tweetnacl accepts S + L in place of S, and the others refuse it (RFC 8032 section 5.1.7).
 * `isScalarReduced` refuses it before any of them is called. Only the holder of the private key can
 * sign with an R of small order, which libsodium refuses and the others accept.
 */
import { createPublicKey, type KeyObject, verify as verifyNative } from 'node:crypto';
import { availableParallelism } from 'node:os';
import nacl from 'tweetnacl';
import { loadSodium, SIGNATURE_BYTES } from './sodium.ts';
import { createVerifyThread, type Signed } from './verify-thread.ts';

export type EngineName = 'native' | 'sodium' | 'tweetnacl';

/** Verifies with one public key, which was converted for its engine once, at the start. */
export type VerifyBytes = (message: Buffer, signature: Buffer) => Promise<boolean>;

export interface Engine {
  name: EngineName;
  forKey(publicKey: Buffer): VerifyBytes;
}

export const NATIVE: Engine = {
  name: 'native',
  forKey(publicKey) {
    const key = keyObject(publicKey);
    // With a callback it runs in the thread pool; without one it would block the event loop.
    return (message, signature) =>
      new Promise((resolve, reject) => {
        verifyNative(null, message, key, signature, (error, genuine) => {
          if (error) reject(error);
          else resolve(genuine);
        });
      });
  },
};

/** Null if sodium-native has no binary for this machine. */
export const SODIUM: Engine | null = sodiumEngine(availableParallelism());

export function sodiumEngine(cores: number): Engine | null {
  const verifySync = loadSodium();
  if (verifySync === null) return null;
  const verify =
    cores === 1
      ? // At once: collecting those of a turn would cost each webhook another turn of waiting.
        async (signed: Signed) => verifySync(signed.signature, signed.message, signed.publicKey)
      : createVerifyThread(verifySync);
  return {
    name: 'sodium',
    forKey: (publicKey) => (message, signature) => verify({ message, signature, publicKey }),
  };
}

export const TWEETNACL: Engine = {
  name: 'tweetnacl',
  forKey(publicKey) {
    // One verification per turn of the event loop, so that a burst does not block it.
    return async (message, signature) => {
      await nextTurn();
      return nacl.sign.detached.verify(message, signature, publicKey);
    };
  },
};

/** 0 <= S < L, the order of the base point, both little-endian. */
export function isScalarReduced(signature: Buffer): boolean {
  for (let i = SCALAR_BYTES - 1; i >= 0; i -= 1) {
    const ours = signature.readUInt8(SIGNATURE_BYTES - SCALAR_BYTES + i);
    const limit = GROUP_ORDER.readUInt8(i);
    if (ours !== limit) return ours < limit;
  }
  return false;
}

/**
 * Verifies a genuine and an altered message, signed with tweetnacl, with each engine: one that
 * accepts or refuses everything must not be used. Returns what is wrong, or null.
 */
export async function selfTest(engines: readonly Engine[]): Promise<string | null> {
  signed ??= signWithTweetnacl();
  const { publicKey, message, altered, signature } = signed;
  for (const engine of engines) {
    const verify = engine.forKey(publicKey);
    if (!(await verify(message, signature))) return `${engine.name} refuses a genuine signature`;
    if (await verify(altered, signature)) return `${engine.name} accepts an altered message`;
  }
  return null;
}

/** Once for each process: signing with tweetnacl takes tens of milliseconds. */
let signed: ReturnType<typeof signWithTweetnacl> | undefined;

function signWithTweetnacl() {
  const pair = nacl.sign.keyPair.fromSeed(Buffer.alloc(32, 7));
  const message = Buffer.from('1600000000|{"self":"test"}');
  return {
    publicKey: Buffer.from(pair.publicKey),
    message,
    altered: Buffer.from('1600000000|{"self":"tesT"}'),
    signature: Buffer.from(nacl.sign.detached(message, pair.secretKey)),
  };
}

/** Whether this runtime's OpenSSL supports Ed25519, found by trying it. */
export async function hasNativeEd25519(): Promise<boolean> {
  try {
    return (await selfTest([NATIVE])) === null;
  } catch {
    return false;
  }
}

const SCALAR_BYTES = 32;
/** L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
const GROUP_ORDER = Buffer.from(
  'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010',
  'hex',
);

function keyObject(publicKey: Buffer): KeyObject {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

let lastTurn: Promise<void> = Promise.resolve();

function nextTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => new Promise((resolve) => setImmediate(resolve)));
  return lastTurn;
}
