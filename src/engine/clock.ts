/** The clocks, as arguments: the wall clock for timestamps, the monotonic clock for durations. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since an arbitrary start; never jumps. */
  monotonic(): number;
}

/** A time by both clocks. */
export interface Mark {
  wall: number;
  monotonic: number;
}

export function mark(clock: Clock): Mark {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/**
 * The time passed, by the clock that says more: Linux's monotonic clock stops while a machine is
 * suspended, and the wall clock may be set back. For things that must not happen too late.
 */
export function atLeastSince(clock: Clock, since: Mark): number {
  return Math.max(clock.monotonic() - since.monotonic, clock.now() - since.wall);
}

export const systemClock: Clock = { now: Date.now, monotonic: () => performance.now() };
