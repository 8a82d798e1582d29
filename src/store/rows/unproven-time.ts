/** How far the clock of a store may wrongly be ahead: nothing is removed for an age by that. */
import type { Committed, CommitUnit } from '../contract/calls.ts';

/**
 * A longer pause between two runs of the store, or a larger step, may just as well be a wrong
 * clock.
 */
const PLAUSIBLE_GAP_MS = 3_600_000;

export class UnprovenTime {
  #ms = 0;

  get ms(): number {
    return this.#ms;
  }

  /** The clock went ahead by so much in one go. */
  add(gapMs: number): void {
    if (gapMs > PLAUSIBLE_GAP_MS) this.#ms += gapMs;
  }

  /** A webhook was verified, and the time in its signature is Telnyx's. */
  proven(): void {
    this.#ms = 0;
  }
}

/**
 * Whether a webhook of a new call was committed. A call that was recovered from Telnyx's list says
 * nothing about our clock: its signature was never verified.
 */
export function provesTime(units: readonly CommitUnit[], { results }: Committed): boolean {
  return units.some(
    ({ changes }, n) =>
      results[n] === 'committed' &&
      changes.some(({ version, call }) => version === 0 && call.heardAt !== null),
  );
}
