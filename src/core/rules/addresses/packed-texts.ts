/**
 * The entries of a list, in order. A million phone numbers as texts are a million objects, so they
 * are kept as numbers and turned back into texts when they are read.
 */
import { phoneNumber } from './number-map.ts';

/** What a list of texts and this have in common. */
export interface Texts extends Iterable<string> {
  readonly length: number;
}

interface Chunk {
  /** 0 stands for the next of `texts`. */
  numbers: Float64Array;
  filled: number;
  texts: string[];
}

/** A chunk has as much room as all before it together, within these bounds. */
const CHUNK_MIN = 8;
const CHUNK_MAX = 8_192;

export class PackedTexts implements Texts {
  readonly #chunks: Chunk[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(text: string): void {
    const chunk = this.#withRoom();
    const number = phoneNumber(text);
    if (number === 0) chunk.texts.push(text);
    else chunk.numbers[chunk.filled] = number;
    chunk.filled += 1;
    this.#length += 1;
  }

  *[Symbol.iterator](): Generator<string> {
    for (const { numbers, filled, texts } of this.#chunks) {
      const others = texts.values();
      for (const number of numbers.subarray(0, filled)) {
        yield number === 0 ? (others.next().value ?? '') : `+${number}`;
      }
    }
  }

  #withRoom(): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.filled < last.numbers.length) return last;
    const room = Math.min(CHUNK_MAX, Math.max(CHUNK_MIN, this.#length));
    const chunk = { numbers: new Float64Array(room), filled: 0, texts: [] };
    this.#chunks.push(chunk);
    return chunk;
  }
}

export function firstOf(texts: Iterable<string>, most: number): string[] {
  const first: string[] = [];
  for (const text of texts) {
    if (first.length >= most) break;
    first.push(text);
  }
  return first;
}
