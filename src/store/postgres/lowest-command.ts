/** Where claims begin to read the outbox. */
import { againAt } from './again-at.ts';
import type { Query } from './pool.ts';

/** Longer than a commit takes: its commands have their numbers before they are seen. */
const NUMBERED_MS = 60_000;

/**
 * Below which number there are no commands any more. While somebody holds a snapshot the index
 * keeps an entry of each that was sent, and a claim would read all of them.
 */
export class LowestCommand {
  #from = 0;
  /** The lowest at the last look. */
  #seen = 0;
  #lookAt = 0;

  async read(query: Query): Promise<number> {
    const askedAt = performance.now();
    if (askedAt < this.#lookAt) return this.#from;
    try {
      const [row] = await query('select min(command) as lowest from commands');
      this.#from = this.#seen;
      if (row?.lowest != null) this.#seen = Number(row.lowest);
    } catch {
      // The claim itself says what is wrong, if it is more than the time that this took.
      this.#from = 0;
      this.#seen = 0;
    }
    this.#lookAt = againAt(askedAt, NUMBERED_MS);
    return this.#from;
  }

  /** A server that took over may have commands that were gone. */
  forget(): void {
    this.#from = 0;
    this.#seen = 0;
    this.#lookAt = 0;
  }
}
