/** What the live and the next set decide differently, counted in pairs. */
import type { Outline } from '../../core/rules/decision-outline.ts';

export interface Side {
  rule: string | null;
  target: string | null;
}

export interface NextChange {
  before: Side;
  after: Side;
  /** How many decisions differed in this way. */
  calls: number;
  /** Ids of calls, newest first. */
  examples: string[];
}

const EXAMPLES_MAX = 5;
/** Further pairs are only counted in the totals. */
const PAIRS_MAX = 200;
const LOG_EVERY_MS = 60_000;

interface Pair extends NextChange {
  loggedAt: number;
  unlogged: number;
}

export class NextDifferences {
  since: number;
  decided = 0;
  differs = 0;
  notCompared = 0;
  readonly #pairs = new Map<string, Pair>();

  constructor(since: number) {
    this.since = since;
  }

  /**
   * Null: nothing to log, because nothing differs or this pair was logged within the last minute.
   */
  add(
    callId: string,
    before: Outline,
    after: Outline,
    now: number,
  ): { before: Side; after: Side; calls: number } | null {
    this.decided += 1;
    if (before.text === after.text) return null;
    this.differs += 1;
    const pair = this.#pairOf(sideOf(before), sideOf(after));
    if (pair === null) return null;
    pair.calls += 1;
    pair.unlogged += 1;
    pair.examples = [callId, ...pair.examples.filter((id) => id !== callId)].slice(0, EXAMPLES_MAX);
    if (now - pair.loggedAt < LOG_EVERY_MS) return null;
    const calls = pair.unlogged;
    pair.loggedAt = now;
    pair.unlogged = 0;
    return { before: pair.before, after: pair.after, calls };
  }

  /** The most frequent first. */
  changes(): NextChange[] {
    return [...this.#pairs.values()]
      .map(({ before, after, calls, examples }) => ({ before, after, calls, examples }))
      .toSorted((a, b) => b.calls - a.calls);
  }

  #pairOf(before: Side, after: Side): Pair | null {
    const key = JSON.stringify([before, after]);
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    if (this.#pairs.size >= PAIRS_MAX) return null;
    const loggedAt = Number.NEGATIVE_INFINITY;
    const pair = { before, after, calls: 0, examples: [], loggedAt, unlogged: 0 };
    this.#pairs.set(key, pair);
    return pair;
  }
}

function sideOf({ rule, target }: Outline): Side {
  return { rule, target };
}
