/** Time as an argument: the wall clock stamps, the monotonic one measures. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from some start; never jumps. */
  monotonic(): number;
}

/** A moment by both. */
export interface Mark {
  wall: number;
  monotonic: number;
}

export function mark(clock: Clock): Mark {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/**
 * At least so long ago: the monotonic clock of Linux stands still while a machine is suspended, and the wall
 * clock may be set back. For what must not happen too late.
 */
export function atLeastSince(clock: Clock, since: Mark): number {
  return Math.max(clock.monotonic() - since.monotonic, clock.now() - since.wall);
}

export const systemClock: Clock = { now: Date.now, monotonic: () => performance.now() };
