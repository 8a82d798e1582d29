/**
 * The most recent changes of calls, in memory, which is enough because only one process writes an
 * SQLite store. After a restart every older cursor is `missed`, and a watcher reads the lists
 * again.
 */
import { randomUUID } from 'node:crypto';
import type { CommitResult, CommitUnit } from '../contract/calls.ts';
import type { ChangeFeed } from '../contract/changes.ts';

/** A watcher asks twice a second; at 5,000 webhooks a second this covers some ten seconds. */
const CHANGES_KEPT = 50_000;

export class ChangeRing implements ChangeFeed {
  readonly #life = randomUUID().slice(0, 8);
  readonly #kept: number;
  readonly #ids: string[] = [];
  /** How many changes there ever were; number n is at n modulo the size. */
  #count = 0;

  constructor(kept = CHANGES_KEPT) {
    this.#kept = kept;
  }

  committed(units: CommitUnit[], results: CommitResult[]): void {
    for (const [index, unit] of units.entries()) {
      if (results[index] !== 'committed') continue;
      for (const { call } of unit.changes) {
        this.#ids[this.#count % this.#kept] = call.id;
        this.#count += 1;
      }
    }
  }

  async changes(after: string | null, limit: number) {
    const from = after === null ? this.#count : this.#numberOf(after);
    if (from === null || from < this.#count - this.#kept || from > this.#count) {
      return { callIds: [], cursor: this.#cursor(this.#count), missed: true };
    }
    const changed = new Set<string>();
    let next = from;
    for (; next < this.#count && changed.size < limit; next += 1) {
      const id = this.#ids[next % this.#kept];
      if (id !== undefined) changed.add(id);
    }
    return { callIds: [...changed], cursor: this.#cursor(next), missed: false };
  }

  #cursor(number: number): string {
    return `${this.#life}.${number}`;
  }

  #numberOf(cursor: string): number | null {
    const match = /^([0-9a-f]{8})\.(\d{1,15})$/.exec(cursor);
    return match?.[1] === this.#life ? Number(match[2]) : null;
  }
}
