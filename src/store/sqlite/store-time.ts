/**
 * The clock of an SQLite store. Deadlines, leases and windows are rows with times: were they read by a wall
 * clock that is set, a caller would wait a hundred seconds in silence, or lose their target early. So it
 * runs with the monotonic clock, over restarts too while the machine has not been booted, and nears the
 * wall clock a little every second. Where nothing waits for a time, it is simply set.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** What tells the time: `sinceBoot` is monotonic, and the same for every process of one boot. */
export interface Clocks {
  wall(): number;
  sinceBoot(): number;
  /** Null where it cannot be told. */
  boot: string | null;
}

/** When a ping was, by all of them: where the clock of the next process goes on. */
export interface TimeBase {
  at: number;
  sinceBoot: number;
  boot: string | null;
}

/** Larger differences between two looks are a step, smaller ones drift. */
const STEP_MS = 1_000;
/** The pace at which it nears the wall clock: a deadline of 30 s is 0.6 s off at most. */
const SLEW = 0.02;
/** A pause between two lives of the store, or a step, beyond this may be a wrong clock as well. */
const PLAUSIBLE_GAP_MS = 3_600_000;

export class StoreTime {
  readonly #clocks: Clocks;
  readonly #onStep: (stepMs: number, offMs: number) => void;
  #at: number;
  #sinceBoot: number;
  /** Of the wall clock, at the last look. */
  #ahead = 0;
  /** By so much it may have been set ahead wrongly: nobody has shown yet that it is so late. */
  #unproven = 0;

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
      // Never back: what was sent a minute ago must not look as if it were still to come.
      this.#at = Math.max(wall, base.at);
      this.#doubt(wall - base.at);
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

  /** Nothing waits for a time: it may be set. */
  follow(): void {
    if (Math.abs(this.#ahead) <= STEP_MS) return;
    this.#doubt(-this.#ahead);
    this.#at = this.#clocks.wall();
    this.#ahead = 0;
  }

  base(): TimeBase {
    return { at: this.now(), sinceBoot: this.#sinceBoot, boot: this.#clocks.boot };
  }

  /** A webhook was believed: its signature's time is Telnyx's. */
  proven(): void {
    this.#unproven = 0;
  }

  /** No later than it surely is. */
  provenNow(): number {
    return this.now() - this.#unproven;
  }

  #doubt(gapMs: number): void {
    if (gapMs > PLAUSIBLE_GAP_MS) this.#unproven += gapMs;
  }
}

const BOOTED_BEFORE_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClocks: Clocks = {
  wall: Date.now,
  sinceBoot: () => BOOTED_BEFORE_MS + performance.now(),
  boot: readBootId(),
};

/** Linux; elsewhere every start goes by the wall clock. */
function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
