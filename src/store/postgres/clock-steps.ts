/**
 * Corrects deadlines for a step of the database's clock, which is found by comparing it with our
 * monotonic clock. Deadlines that were set before a step forward keep the time they had left. After
 * a step back, deadlines that seem to have been set in the future were set before it, and become
 * due earlier by the size of the step. One with more time left than the clock stepped back cannot
 * be distinguished from newer ones once its setting time has passed, and is due that much later.
 */

/** A smaller difference is the network, or a clock that is being slewed. */
const STEP_MS_MIN = 1_000;
const STEPS_KEPT = 8;

interface Step {
  ms: number;
  /** The last time that we saw on the clock before the step. */
  before: number;
}

export class ClockSteps {
  /**
   * At the last look, the database's clock was ahead of our monotonic clock by an amount between
   * these.
   */
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;
  #last = 0;
  #steps: Step[] = [];

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
    if (ms !== 0) this.#steps = [{ ms, before: this.#last }, ...this.#steps].slice(0, STEPS_KEPT);
    this.#low = low;
    this.#high = high;
    this.#last = now;
    return ms;
  }

  /** When a deadline is due by the clock as it runs now. */
  dueAt({ dueAt, setAt }: { dueAt: number; setAt: number }, now: number): number {
    let due = dueAt;
    for (const { ms, before } of this.#steps) {
      const older = ms > 0 ? setAt < before + ms : setAt > now + STEP_MS_MIN && now < before;
      if (older) due += ms;
    }
    return due;
  }

  /** How much earlier than the time in their row deadlines may be due. */
  earlyMs(now: number): number {
    return this.#steps.reduce((most, { ms, before }) => {
      return ms < 0 && now < before ? Math.max(most, -ms) : most;
    }, 0);
  }
}
