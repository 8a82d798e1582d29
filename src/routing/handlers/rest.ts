/**
 * A handler that misses its time limit blocks the event loop for all of it and costs a process.
 * After several such failures it is paused, and its calls go straight to the next rules. Then one
 * call tries it again.
 */
import { LIMITS } from '../limits.ts';

/** Part of the time that passes which a handler may waste without being put to rest. */
const FORGIVEN = 0.1;

export interface Rest {
  /** What its calls are told; null while it is asked. */
  resting(now: number): string | null;
  answered(): void;
  /** Words for the log where it rests from now on. */
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
      return `; not the first time, so it is not asked for ${LIMITS.handlerRestMs / 1000} s`;
    },
  };
}
