/** How long to wait before a request is repeated. Pure: the random number is an argument. */
import { RETRY_MS_MIN } from '../../core/machine/limits.ts';

/** The maximum: seven tries fit into the 55 s in which Telnyx remembers a command_id. */
export const RETRY_MS_MAX = 8_000;
/** Jitter, so that replicas that failed together do not retry together. */
const JITTER_SHARE = 0.25;

/** Delay after the `tries`th try (from 1); `chance` in 0..1 lengthens it by up to a quarter. */
export function retryDelayMs(tries: number, chance: number): number {
  const doublings = Math.min(Math.max(tries - 1, 0), 16);
  const base = Math.min(RETRY_MS_MIN * 2 ** doublings, RETRY_MS_MAX);
  return Math.round(base * (1 + JITTER_SHARE * Math.min(Math.max(chance, 0), 1)));
}
