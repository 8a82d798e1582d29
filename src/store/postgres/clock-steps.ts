/**
 * Corrects deadlines and the times of commands for steps of the database's clock, which are found
 * by comparing it with our monotonic clock. What was set before a step keeps the time that it had
 * left. By when it was set it is known in which stretch between two steps that was. Where the clock
 * was set back it runs through the same times again: a deadline with more time left than the clock
 * stepped back cannot be distinguished from newer ones once its setting time has passed, and is due
 * that much later.
 */

/** A smaller difference is the network, or a clock that is being slewed. */
export const STEP_MS_MIN = 1_000;
const STEPS_KEPT = 8;

/** The time between two steps, by the clock as it ran then. */
interface Stretch {
  /** The first time that we saw on it, and the last. */
  from: number;
  until: number;
  /** The step that ended it. */
  ms: number;
}

export interface Early {
  /** How much earlier than the time in their row deadlines and commands may be due. */
  ms: number;
  /** The last time that was seen on the clock before it was set back. */
  before: number;
}

const NOT_EARLY: Early = { ms: 0, before: 0 };

export class ClockSteps {
  /**
   * At the last look, the database's clock was ahead of our monotonic clock by an amount between
   * these.
   */
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;
  #last = 0;
  #lastAt = 0;
  /** When the present stretch began. */
  #from = Number.NEGATIVE_INFINITY;
  /** The newest first. */
  #stretches: Stretch[] = [];

  /**
   * At a start: it shows `now`, and showed `until` before. It was set back by at least the
   * difference, and nobody knows when. So only what was set later than now is from before that.
   */
  wasSetBack(until: number, now: number): void {
    if (until - now > STEP_MS_MIN) {
      this.#stretches = [{ from: Number.NEGATIVE_INFINITY, until, ms: now - until }];
    }
  }

  /**
   * The database said `now` between two readings of our clock. Returns how far it has stepped since
   * the last look, mostly 0.
   */
  saw(now: number, askedAt: number, answeredAt: number): number {
    const low = now - answeredAt;
    const high = now - askedAt;
    const forward = low - this.#high;
    const back = this.#low - high;
    const ms = forward > STEP_MS_MIN ? forward : back > STEP_MS_MIN ? -back : 0;
    if (ms !== 0) {
      const ended = { from: this.#from, until: this.#last, ms };
      this.#stretches = [ended, ...this.#stretches].slice(0, STEPS_KEPT);
      this.#from = now;
    }
    this.#low = low;
    this.#high = high;
    this.#last = now;
    this.#lastAt = answeredAt;
    return ms;
  }

  /** When a deadline is due by the clock as it runs now. */
  dueAt({ dueAt, setAt }: { dueAt: number; setAt: number }, now: number): number {
    let nearest = awayFrom(setAt, this.#from, now);
    let shift = 0;
    let sum = 0;
    // Of several that it may have been in, the newest.
    for (const { from, until, ms } of this.#stretches) {
      if (nearest <= STEP_MS_MIN) break;
      sum += ms;
      const away = awayFrom(setAt, from, until);
      if (away >= nearest) continue;
      nearest = away;
      shift = sum;
    }
    return dueAt + shift;
  }

  /** `now` by the database's clock; default: as it was last seen, plus the time since. */
  early(now = this.#last + performance.now() - this.#lastAt): Early {
    let most = NOT_EARLY;
    let sum = 0;
    for (const { until, ms } of this.#stretches) {
      sum += ms;
      if (now < until && -sum > most.ms) most = { ms: -sum, before: until };
    }
    return most;
  }
}

function awayFrom(at: number, from: number, until: number): number {
  return Math.max(0, from - at, at - until);
}
