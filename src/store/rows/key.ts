/** Stands for a long id: 128 bits of SHA-256 do not collide by chance. */
import { hash } from 'node:crypto';

/** As hexadecimal, in which PostgreSQL takes a uuid. */
export function keyText(id: string): string {
  return hash('sha256', id, 'hex').slice(0, 32);
}

export function keyOf(id: string): Uint8Array {
  // Hashing to hexadecimal first is a third faster than asking for a buffer.
  return Buffer.from(keyText(id), 'hex');
}
