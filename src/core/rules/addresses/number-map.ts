/** A power of two; the map doubles its size when it grows. */
const ROOM_MIN = 8;
const FULL = 0.75;

/**
 * Phone numbers to values, outside V8's heap: a text in a `Map` takes four times the memory, and
 * every garbage collection scans all of them while calls wait. Open addressing: a number is in the
 * first free slot from the one that its hash names.
 */
export class NumberMap<V> {
  /** 0: the slot is free. */
  #keys = new Float64Array(ROOM_MIN);
  /**
   * The value of each key: itself if it is a small number, otherwise -1 minus its index in
   * `#others`.
   */
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

  /** The slot of the number, or the free slot for it. */
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
    // Often all values are the same, such as `true`.
    if (this.#others.length === 0 || this.#others.at(-1) !== value) this.#others.push(value);
    return -this.#others.length;
  }

  #value(slot: number): V {
    const code = this.#codes[slot] ?? 0;
    return code >= 0 ? (code as V) : (this.#others[-code - 1] as V);
  }
}

/**
 * The number of `+` and up to 15 digits, which a double represents exactly; 0 for any other text.
 */
export function phoneNumber(text: string): number {
  const { length } = text;
  if (length < 2 || length > 16 || text.charCodeAt(0) !== PLUS) return 0;
  // A leading zero would be lost.
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

/** -1 if there is no digit. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** Uses all bits of a number, because numbers of one office differ only in their last digits. */
export function hashOf(number: number): number {
  const high = Math.imul(Math.trunc(number / 0x1_0000_0000), 0x85eb_ca6b);
  let hash = Math.imul((number | 0) ^ high, 0x9e37_79b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}
