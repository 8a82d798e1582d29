/** libsodium from sodium-native, which ships prebuilt binaries; null if none fits this machine. */
import { createRequire } from 'node:module';
import type { VerifySync } from './verify-thread.ts';

export function loadSodium(): VerifySync | null {
  try {
    const sodium = createRequire(import.meta.url)('sodium-native') as {
      crypto_sign_verify_detached: VerifySync;
    };
    return sodium.crypto_sign_verify_detached;
  } catch {
    return null;
  }
}
