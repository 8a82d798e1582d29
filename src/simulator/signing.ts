/** The simulator's Ed25519 key, derived from the seed, and the signatures of deliveries. */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';

export interface SigningKey {
  /** Base64 of the raw 32 bytes, as Telnyx shows it in Mission Control. */
  publicKey: string;
  /** Base64 of 64 bytes over `<timestamp>|<body>`. */
  sign(timestamp: string, body: string): string;
}

/** PKCS#8 wrapping of a raw Ed25519 seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export function createSigningKey(seed: number): SigningKey {
  const secretSeed = createHash('sha256').update(`simulator key ${seed}`).digest();
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, secretSeed]),
    format: 'der',
    type: 'pkcs8',
  });
  const { x: point = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: Buffer.from(point, 'base64url').toString('base64'),
    sign: (timestamp, body) =>
      sign(null, Buffer.from(`${timestamp}|${body}`), key).toString('base64'),
  };
}
