/** A person, or a program, with a token. */
import { createHash } from 'node:crypto';
import type { Role } from './roles.ts';

export interface Person {
  name: string;
  role: Role;
  /** SHA-256 of the token; the token itself is not kept. */
  digest: Buffer;
}

/** The name of the holder of ADMIN_TOKEN. */
export const ADMIN_NAME = 'admin';

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
