/**
 * The clock of an SQLite store. Deadlines, leases and time windows are rows with times. If they
 * were compared with a wall clock that somebody sets, a caller could wait a hundred seconds in
 * silence or lose their target early. So this clock runs with the monotonic clock, across restarts
 * too unless the machine was rebooted, and approaches the wall clock slowly. It is set at once if
 * nothing waits for a time.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { UnprovenTime } from '../rows/unproven-time.ts';

/**
 * The clocks of the machine: `sinceBoot` is monotonic, and the same for every process since the
 * boot.
 */
export interface Clocks {
  wall(): number;
  sinceBoot(): number;
  /** Null if the system does not tell. */
  boot: string | null;
}

/** The time of the last ping by each clock, from which the next process continues. */
export interface TimeBase {
  at: number;
  sinceBoot: number;
  boot: string | null;
}

/** A larger difference between two readings is a step, a smaller one is drift. */
const STEP_MS = 1_000;
/** How fast it approaches the wall clock: a deadline of 30 s is off by 0.6 s at most. */
const SLEW = 0.02;

export class StoreTime {
  readonly #clocks: Clocks;
  readonly #onStep: (stepMs: number, offMs: number) => void;
  #at: number;
  #sinceBoot: number;
  /** How far it is ahead of the wall clock, at the last reading. */
  #ahead = 0;
  /** How far it may have been set ahead wrongly: nothing has proven yet that it is this late. */
  readonly #unproven = new UnprovenTime();

  constructor(
    clocks: Clocks,
    base: TimeBase | null,
    onStep: (stepMs: number, offMs: number) => void,
  ) {
    this.#clocks = clocks;
    this.#onStep = onStep;
    const wall = clocks.wall();
    this.#sinceBoot = clocks.sinceBoot();
    if (base === null) {
      this.#at = wall;
    } else if (base.boot !== null && base.boot === clocks.boot) {
      this.#at = base.at + Math.max(0, this.#sinceBoot - base.sinceBoot);
    } else {
      // Never back: something sent a minute ago must not appear to be in the future.
      this.#at = Math.max(wall, base.at);
      this.#unproven.add(wall - base.at);
    }
  }

  now(): number {
    const wall = this.#clocks.wall();
    const sinceBoot = this.#clocks.sinceBoot();
    const passed = Math.max(0, sinceBoot - this.#sinceBoot);
    this.#sinceBoot = sinceBoot;
    this.#at += passed;
    const ahead = this.#at - wall;
    const step = this.#ahead - ahead;
    if (Math.abs(step) > STEP_MS) this.#onStep(step, -ahead);
    const most = passed * SLEW;
    this.#at -= Math.min(most, Math.max(-most, ahead));
    this.#ahead = this.#at - wall;
    return Math.floor(this.#at);
  }

  /** Nothing waits for a time, so the clock may be set. */
  follow(): void {
    if (Math.abs(this.#ahead) <= STEP_MS) return;
    this.#unproven.add(-this.#ahead);
    this.#at = this.#clocks.wall();
    this.#ahead = 0;
  }

  base(): TimeBase {
    return { at: this.now(), sinceBoot: this.#sinceBoot, boot: this.#clocks.boot };
  }

  proven(): void {
    this.#unproven.proven();
  }

  /** A time that has certainly passed. */
  provenNow(): number {
    return this.now() - this.#unproven.ms;
  }
}

const BOOTED_BEFORE_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClocks: Clocks = {
  wall: Date.now,
  sinceBoot: () => BOOTED_BEFORE_MS + performance.now(),
  boot: readBootId(),
};

/** On Linux; elsewhere every start uses the wall clock. */
function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
