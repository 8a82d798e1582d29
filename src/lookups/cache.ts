/**
 * Caches answers of lookups for later calls, in this process only. The least recently used entry is
 * dropped first.
 */
import type { LookupAnswer, LookupRequest } from '../core/machine/command.ts';

type Kept = Pick<LookupAnswer, 'result' | 'values'>;

/** Limit for all texts together: a few thousand answers of the usual size. */
const CHARS_MAX = 8 * 1024 * 1024;

export class AnswerCache {
  /** Ordered by last use. */
  readonly #answers = new Map<string, { answer: Kept; until: number; chars: number }>();
  readonly #charsMax: number;
  #chars = 0;

  constructor(charsMax = CHARS_MAX) {
    this.#charsMax = charsMax;
  }

  /** `now` is monotonic. */
  get(request: LookupRequest, now: number): Kept | null {
    const key = keyOf(request);
    const known = this.#answers.get(key);
    if (known === undefined) return null;
    this.#answers.delete(key);
    if (known.until <= now) {
      this.#chars -= known.chars;
      return null;
    }
    this.#answers.set(key, known);
    return known.answer;
  }

  set(request: LookupRequest, answer: Kept, now: number): void {
    const { cacheMs } = request;
    if (cacheMs === null) return;
    const key = keyOf(request);
    this.#remove(key);
    const chars = key.length + JSON.stringify(answer).length;
    this.#answers.set(key, { answer, until: now + cacheMs, chars });
    this.#chars += chars;
    for (const oldest of this.#answers.keys()) {
      if (this.#chars <= this.#charsMax) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#chars -= this.#answers.get(key)?.chars ?? 0;
    this.#answers.delete(key);
  }
}

/** Contains everything that the answer depends on. Headers are references here, never secrets. */
function keyOf({ url, headers, keep }: LookupRequest): string {
  return JSON.stringify([url, headers, keep]);
}
