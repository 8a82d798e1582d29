/**
 * A map for a million texts that grows in small steps. A `Map` copies everything whenever it
 * doubles in size, which takes 0.1 s at a million entries, during which no call is decided. This
 * one consists of many small maps.
 */
import { hashOf, NumberMap, phoneNumber } from './number-map.ts';

export class WideMap<V> {
  /** One map while it is small, then `PARTS` of them. */
  #parts: Part<V>[] = [newPart()];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const number = phoneNumber(key);
    const { numbers, texts } = this.#partOf(key, number);
    return number === 0 ? texts.get(key) : numbers.get(number);
  }

  has(key: string): boolean {
    const number = phoneNumber(key);
    const { numbers, texts } = this.#partOf(key, number);
    return number === 0 ? texts.has(key) : numbers.has(number);
  }

  set(key: string, value: V): void {
    const number = phoneNumber(key);
    const { numbers, texts } = this.#partOf(key, number);
    const before = numbers.size + texts.size;
    if (number === 0) texts.set(key, value);
    else numbers.set(number, value);
    this.#size += numbers.size + texts.size - before;
    if (this.#parts.length === 1 && this.#size > SMALL) this.#split();
  }

  #partOf(key: string, number: number): Part<V> {
    const place = this.#parts.length === 1 ? 0 : placeOf(key, number);
    return this.#parts[place] as Part<V>;
  }

  #split(): void {
    const small = this.#parts[0] as Part<V>;
    this.#parts = Array.from({ length: PARTS }, () => newPart());
    for (const [number, value] of small.numbers.entries()) {
      this.#partOf('', number).numbers.set(number, value);
    }
    for (const [text, value] of small.texts) this.#partOf(text, 0).texts.set(text, value);
  }
}

interface Part<V> {
  numbers: NumberMap<V>;
  texts: Map<string, V>;
}

function newPart<V>(): Part<V> {
  return { numbers: new NumberMap(), texts: new Map() };
}

const SMALL = 2_048;
const PARTS = 256;

function placeOf(key: string, number: number): number {
  if (number !== 0) return hashOf(number) >>> 24;
  let hash = 0;
  for (let i = 0; i < key.length; i += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 8)) & (PARTS - 1);
}
