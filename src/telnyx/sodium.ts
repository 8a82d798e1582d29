/** libsodium from sodium-native, which ships prebuilt binaries; null if none fits this machine. */
import { createRequire } from 'node:module';

export type VerifySync = (signature: Buffer, message: Buffer, publicKey: Buffer) => boolean;

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

export function loadSodium(): VerifySync | null {
  try {
    const sodium = createRequire(import.meta.url)('sodium-native') as {
      crypto_sign_verify_detached: VerifySync;
    };
    const verify = sodium.crypto_sign_verify_detached;
    // Given another length, libsodium throws or reads only a part.
    return (signature, message, publicKey) =>
      hasRightLengths(signature, publicKey) && verify(signature, message, publicKey);
  } catch {
    return null;
  }
}

export function hasRightLengths(signature: Buffer, publicKey: Buffer): boolean {
  return signature.length === SIGNATURE_BYTES && publicKey.length === KEY_BYTES;
}
