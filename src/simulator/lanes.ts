/** The order of the webhooks of one call: a lane for each call. */
import type { Clock } from './clock.ts';

/** How long an event waits for the previous one at most; a slow service gets them out of order. */
const IN_ORDER_WAIT_MS = 250;
/** A held-back event is sent with the next one of its call, or after this time. */
const HOLD_MS = 400;

export interface Lanes {
  /**
   * The first attempt waits for that of the previous event; events held back before are sent after
   * it.
   */
  start(callNumber: number, attempt: () => Promise<void>): void;
  hold(callNumber: number, start: () => void): void;
}

interface Lane {
  last: Promise<void>;
  running: number;
  held: Set<() => void>;
}

export function createLanes(clock: Clock): Lanes {
  const lanes = new Map<number, Lane>();

  async function inTurn(callNumber: number, attempt: () => Promise<void>): Promise<void> {
    const lane = laneOf(callNumber);
    const waiting = [...lane.held];
    const before = lane.running > 0 ? atMost(lane.last, IN_ORDER_WAIT_MS) : null;
    lane.running += 1;
    const first = (before ?? Promise.resolve()).then(attempt);
    lane.last = first;
    await first;
    lane.running -= 1;
    for (const release of waiting) release();
    if (lane.running === 0 && lane.held.size === 0) lanes.delete(callNumber);
  }

  function laneOf(callNumber: number): Lane {
    let lane = lanes.get(callNumber);
    if (lane === undefined) {
      lane = { last: Promise.resolve(), running: 0, held: new Set() };
      lanes.set(callNumber, lane);
    }
    return lane;
  }

  function atMost(promise: Promise<void>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const takeBack = clock.afterReal(ms, resolve);
      void promise.then(() => {
        takeBack();
        resolve();
      });
    });
  }

  return {
    start: (callNumber, attempt) => void inTurn(callNumber, attempt),
    hold(callNumber, start) {
      const { held } = laneOf(callNumber);
      const release = (): void => {
        if (!held.delete(release)) return;
        takeBack();
        start();
      };
      const takeBack = clock.after(HOLD_MS, release);
      held.add(release);
    },
  };
}
