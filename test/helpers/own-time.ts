/**
 * The time that this process waits: on a busy machine it may not be run for a while, and that while
 * is not counted. So a bound on how long something in this process waits also holds there.
 */
const TICK_MS = 10;
/** A tick that is later than this was not late by itself. */
const LATE_MS = 20;

export interface OwnTime extends Disposable {
  /** Milliseconds since the beginning. */
  passedMs(): number;
}

export function ownTime(): OwnTime {
  let at = performance.now();
  let passed = 0;
  const look = (): void => {
    const now = performance.now();
    const gap = now - at;
    passed += gap > LATE_MS ? TICK_MS : gap;
    at = now;
  };
  const ticks = setInterval(look, TICK_MS);
  return {
    passedMs() {
      look();
      return passed;
    },
    [Symbol.dispose]: () => clearInterval(ticks),
  };
}
