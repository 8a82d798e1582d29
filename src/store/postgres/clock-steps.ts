/**
 * What a step of the database's clock does to deadlines that were set before it, found by comparing that clock
 * with our monotonic one. Deadlines set before a step forward get the time they had. After a step back, those
 * that seem to have been set in the future were set before it, and fall as much earlier; one that was given
 * more time than the clock went back cannot be told from newer ones in the end, and takes so much longer.
 */

/** Less than this is the network, or a clock that is slowed down and sped up. */
const STEP_MS_MIN = 1_000;
const STEPS_KEPT = 8;

interface Step {
  ms: number;
  /** The clock's last time before it, as far as we saw. */
  before: number;
}

export class ClockSteps {
  /** Between these the database's clock was ahead of our monotonic one at the last look. */
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;
  #last = 0;
  #steps: Step[] = [];

  /** The database said `now` between two moments of ours. By how much it has stepped since the last look: mostly 0. */
  saw(now: number, askedAt: number, answeredAt: number): number {
    const low = now - answeredAt;
    const high = now - askedAt;
    const forward = low - this.#high;
    const back = this.#low - high;
    const ms = forward > STEP_MS_MIN ? forward : back > STEP_MS_MIN ? -back : 0;
    if (ms !== 0) this.#steps = [{ ms, before: this.#last }, ...this.#steps].slice(0, STEPS_KEPT);
    this.#low = low;
    this.#high = high;
    this.#last = now;
    return ms;
  }

  /** When a deadline is due by the clock as it goes now. */
  dueAt({ dueAt, setAt }: { dueAt: number; setAt: number }, now: number): number {
    let due = dueAt;
    for (const { ms, before } of this.#steps) {
      const older = ms > 0 ? setAt < before + ms : setAt > now + STEP_MS_MIN && now < before;
      if (older) due += ms;
    }
    return due;
  }

  /** By so much deadlines may be due before their time in the row. */
  earlyMs(now: number): number {
    return this.#steps.reduce((most, { ms, before }) => {
      return ms < 0 && now < before ? Math.max(most, -ms) : most;
    }, 0);
  }
}
