/**
 * A handler that misses its time limit blocks the event loop for that long and costs a process.
 * After several such failures it is paused, and its calls go straight to the next rules. Then one
 * call tries it again.
 */
import { LIMITS } from '../limits.ts';

/** The share of elapsed time that a handler may waste without being paused. */
const FORGIVEN = 0.1;

export interface Rest {
  /** Why the handler is paused, for its calls; null if it is not. */
  resting(now: number): string | null;
  answered(): void;
  /** The text for the log if the handler is paused from now on; else empty. */
  overran(now: number, heldMs: number): string;
}

export function createRest(): Rest {
  let inARow = 0;
  let heldMs = 0;
  let since = 0;
  let until = 0;
  return {
    resting(now) {
      return now < until ? 'paused: it repeatedly did not answer in time' : null;
    },
    answered() {
      inARow = 0;
    },
    overran(now, held) {
      inARow += 1;
      heldMs = Math.max(0, heldMs - FORGIVEN * (now - since)) + held;
      since = now;
      if (inARow < LIMITS.handlerOverrunsMax && heldMs <= LIMITS.handlerHeldMs) return '';
      until = now + LIMITS.handlerRestMs;
      heldMs = 0;
      return `; this happened repeatedly, so the handler is paused for ${LIMITS.handlerRestMs / 1000} s`;
    },
  };
}
