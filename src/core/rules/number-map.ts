/** A power of two, as its doubles are. */
const ROOM_MIN = 8;
const FULL = 0.75;

/**
 * Phone numbers to values, outside V8's heap: a text in a `Map` takes four times the memory, and every
 * collection of garbage walks over all of them while calls wait. Open addressing: a number stands in
 * the first free slot from where its hash points.
 */
export class NumberMap<V> {
  /** 0: nothing stands there. */
  #keys = new Float64Array(ROOM_MIN);
  /** Of each key: a value that is a small number, or, below zero, its place among the others. */
  #codes = new Int32Array(ROOM_MIN);
  readonly #others: V[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): V | undefined {
    const slot = this.#slotOf(number);
    return this.#keys[slot] === number ? this.#value(slot) : undefined;
  }

  has(number: number): boolean {
    return this.#keys[this.#slotOf(number)] === number;
  }

  set(number: number, value: V): void {
    this.#put(number, this.#code(value));
  }

  *entries(): Generator<[number, V]> {
    for (const [slot, number] of this.#keys.entries()) {
      if (number !== 0) yield [number, this.#value(slot)];
    }
  }

  #put(number: number, code: number): void {
    let slot = this.#slotOf(number);
    if (this.#keys[slot] !== number) {
      if (this.#size + 1 > this.#keys.length * FULL) {
        this.#grow();
        slot = this.#slotOf(number);
      }
      this.#keys[slot] = number;
      this.#size += 1;
    }
    this.#codes[slot] = code;
  }

  /** Where it stands, or would. */
  #slotOf(number: number): number {
    const mask = this.#keys.length - 1;
    let slot = hashOf(number) & mask;
    for (;;) {
      const found = this.#keys[slot];
      if (found === number || found === 0) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const [keys, codes] = [this.#keys, this.#codes];
    this.#keys = new Float64Array(keys.length * 2);
    this.#codes = new Int32Array(keys.length * 2);
    this.#size = 0;
    for (const [slot, number] of keys.entries()) {
      if (number !== 0) this.#put(number, codes[slot] ?? 0);
    }
  }

  #code(value: V): number {
    if (typeof value === 'number' && value >= 0 && Object.is(value | 0, value)) return value;
    // Many have the same: `true`.
    if (this.#others.length === 0 || this.#others.at(-1) !== value) this.#others.push(value);
    return -this.#others.length;
  }

  #value(slot: number): V {
    const code = this.#codes[slot] ?? 0;
    return code >= 0 ? (code as V) : (this.#others[-code - 1] as V);
  }
}

/** Of `+` and up to 15 digits, which a number holds exactly; 0 for any other text. */
export function phoneNumber(text: string): number {
  const { length } = text;
  if (length < 2 || length > 16 || text.charCodeAt(0) !== PLUS) return 0;
  // What begins with a zero would not be the same text again.
  let number = digitAt(text, 1);
  if (number <= 0) return 0;
  for (let i = 2; i < length; i += 1) {
    const digit = digitAt(text, i);
    if (digit < 0) return 0;
    number = number * 10 + digit;
  }
  return number;
}

const PLUS = 0x2b;
const ZERO = 0x30;

/** -1 where none stands. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** All bits of a number count, as numbers of one office differ in their last digits only. */
export function hashOf(number: number): number {
  const high = Math.imul(Math.trunc(number / 0x1_0000_0000), 0x85eb_ca6b);
  let hash = Math.imul((number | 0) ^ high, 0x9e37_79b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}
