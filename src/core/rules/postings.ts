/**
 * What a value of `from` or `to`, or a list, stands for: the clauses that match when it is hit, and
 * the rules that could then match. Built as objects, but kept as numbers in one array: a million
 * objects take 300 MB instead of 36, and make every full garbage collection take half a second.
 */

/** Used while rules are compiled. All arrays ascend. */
export interface Posting {
  /** Clauses that match when it is hit. */
  clauses: number[];
  /** By event (see `EVENTS`): rules that cannot match unless one of their postings is hit. */
  rules: [number[], number[], number[]];
}

/** A posting is named by its offset: first the counts, then the clauses, then the rules. */
export type Postings = Int32Array;

const COUNTS = 4;

/** Up to this many postings of one call are searched each time; for more, they are merged once. */
export const FEW_HITS = 16;

export function emptyPosting(): Posting {
  return { clauses: [], rules: [[], [], []] };
}

/** `places`: the offset of each. */
export function packPostings(all: readonly Posting[]): {
  postings: Postings;
  places: Int32Array<ArrayBuffer>;
} {
  const places = new Int32Array(all.length);
  let size = 0;
  for (const [number, posting] of all.entries()) {
    places[number] = size;
    size += COUNTS + posting.clauses.length;
    for (const rules of posting.rules) size += rules.length;
  }
  const postings = new Int32Array(size);
  let next = 0;
  for (const { clauses, rules } of all) {
    postings.set([clauses.length, ...rules.map(({ length }) => length)], next);
    next += COUNTS;
    for (const numbers of [clauses, ...rules]) {
      postings.set(numbers, next);
      next += numbers.length;
    }
  }
  return { postings, places };
}

export function hasClause(postings: Postings, at: number, clause: number): boolean {
  let low = at + COUNTS;
  let high = low + (postings[at] ?? 0);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = postings[middle] ?? clause;
    if (found === clause) return true;
    if (found < clause) low = middle + 1;
    else high = middle;
  }
  return false;
}

/** All clauses that match when these are hit. */
export function clausesAt(postings: Postings, hits: readonly number[]): Set<number> {
  const clauses = new Set<number>();
  for (const at of hits) {
    const start = at + COUNTS;
    for (const clause of postings.subarray(start, start + (postings[at] ?? 0))) clauses.add(clause);
  }
  return clauses;
}

/** Where the rules of an event begin and end. */
export function rulesAt(
  postings: Postings,
  at: number,
  event: 0 | 1 | 2,
): { next: number; end: number } {
  let next = at + COUNTS + (postings[at] ?? 0);
  for (let before = 0; before < event; before += 1) next += postings[at + 1 + before] ?? 0;
  return { next, end: next + (postings[at + 1 + event] ?? 0) };
}
