/**
 * A Map for entries that come and go by the thousand. V8's Map allocates a new table whenever
 * removed entries have used up the old one, and the old table keeps everything in it reachable
 * until the next full collection, so the quick collection copies all of it as if it were alive.
 * Here the table holds cells, and a cell is emptied when its entry is removed.
 */
export class BriefMap<Key, Value> {
  readonly #cells = new Map<Key, { value: Value | undefined }>();

  get size(): number {
    return this.#cells.size;
  }

  has(key: Key): boolean {
    return this.#cells.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#cells.get(key)?.value;
  }

  /** A key that already exists keeps its place in the order. */
  set(key: Key, value: Value): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, { value });
    else cell.value = value;
  }

  delete(key: Key): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) return;
    cell.value = undefined;
    this.#cells.delete(key);
  }

  clear(): void {
    for (const key of this.#cells.keys()) this.delete(key);
  }

  /** Oldest first. */
  *entries(): Generator<[Key, Value]> {
    for (const [key, { value }] of this.#cells) yield [key, value as Value];
  }
}
