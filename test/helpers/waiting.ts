import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

/**
 * Vitest's own second is too short on a machine that others use; what holds is seen at once anyhow.
 */
export const PATIENT = { timeout: PATIENCE_MS, interval: 10 };

export function waitFor<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, PATIENT);
}
