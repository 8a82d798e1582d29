import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

/**
 * Vitest's default of one second is too short on a busy machine. A condition that holds ends the
 * wait at once.
 */
export const PATIENT = { timeout: PATIENCE_MS, interval: 10 };

export function waitFor<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, PATIENT);
}
