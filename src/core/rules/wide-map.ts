/**
 * A map of a million texts that grows a little at a time. A `Map` is copied whole whenever its room has
 * doubled, which takes 0.1 s at a million, and no call is decided meanwhile; these are many small ones.
 */
export class WideMap<V> {
  readonly #parts: (Map<string, V> | undefined)[] = Array.from({ length: PARTS });
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    return this.#parts[partOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#parts[partOf(key)]?.has(key) === true;
  }

  set(key: string, value: V): void {
    const number = partOf(key);
    let part = this.#parts[number];
    if (part === undefined) {
      part = new Map();
      this.#parts[number] = part;
    }
    const before = part.size;
    part.set(key, value);
    this.#size += part.size - before;
  }
}

const PARTS = 256;

function partOf(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 8)) & (PARTS - 1);
}
