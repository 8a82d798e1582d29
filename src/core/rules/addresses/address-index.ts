/**
 * Looks up all values of `from`, or of `to`, of all rules and lists at once: one lookup of the
 * number and one per distinct prefix length, however many entries there are. The result is
 * postings. A list is one posting that its rules share, so a list of 100,000 used by 2,000 rules
 * takes 100,000 entries.
 */
import { type Address, readPattern } from './address.ts';
import type { Glob } from './glob.ts';
import { WideMap } from './wide-map.ts';

interface PrefixEntry {
  /** Null: the prefix is the whole pattern. */
  glob: Glob | null;
  /** Number of the posting. */
  posting: number;
}

/** Most keys have one entry, which is stored as a plain number to save memory. */
type Few<T> = number | T[];

/** Patterns, by the text before their first wildcard. */
interface PrefixMap {
  lengths: Set<number>;
  byPrefix: WideMap<Few<PrefixEntry>>;
}

export class AddressIndex {
  readonly #exact = new WideMap<Few<number>>();
  readonly #numbers: PrefixMap = { lengths: new Set(), byPrefix: new WideMap() };
  readonly #texts: PrefixMap = { lengths: new Set(), byPrefix: new WideMap() };
  #places = new Int32Array();

  /** Enters a value, or an entry of a list, under the number of its posting. */
  add(value: string, posting: number): void {
    const pattern = readPattern(value);
    if (pattern.kind === 'exact') {
      const known = this.#exact.get(pattern.key);
      if (known === undefined) this.#exact.set(pattern.key, posting);
      else if (typeof known !== 'number') {
        if (!known.includes(posting)) known.push(posting);
      } else if (known !== posting) this.#exact.set(pattern.key, [known, posting]);
      return;
    }
    const { glob, over } = pattern;
    const whole = glob.text === `${glob.literalPrefix}*`;
    const entry = { glob: whole ? null : glob, posting };
    if (over !== 'texts') enter(this.#numbers, glob.literalPrefix, entry);
    if (over !== 'numbers') enter(this.#texts, glob.literalPrefix, entry);
  }

  /** The position of each posting, once all are known. */
  place(places: Int32Array<ArrayBuffer>): void {
    this.#places = places;
  }

  /** Positions of the postings that this party hits; one may occur twice. */
  lookup(address: Address): number[] {
    const hits: number[] = [];
    if (address.number !== null) {
      this.#lookupExact(address.number, hits);
      this.#lookupPrefix(this.#numbers, address.number, hits);
    }
    for (const text of address.texts) {
      this.#lookupExact(text, hits);
      this.#lookupPrefix(this.#texts, text, hits);
    }
    return hits;
  }

  #lookupExact(key: string, hits: number[]): void {
    const found = this.#exact.get(key);
    if (found === undefined) return;
    if (typeof found === 'number') this.#hit(found, hits);
    else for (const posting of found) this.#hit(posting, hits);
  }

  #lookupPrefix({ lengths, byPrefix }: PrefixMap, text: string, hits: number[]): void {
    for (const length of lengths) {
      if (length > text.length) continue;
      const entries = byPrefix.get(text.slice(0, length));
      if (entries === undefined) continue;
      if (typeof entries === 'number') {
        this.#hit(entries, hits);
        continue;
      }
      for (const { glob, posting } of entries) {
        if (glob === null || glob.matches(text)) this.#hit(posting, hits);
      }
    }
  }

  #hit(posting: number, hits: number[]): void {
    hits.push(this.#places[posting] ?? 0);
  }
}

function enter({ lengths, byPrefix }: PrefixMap, prefix: string, entry: PrefixEntry): void {
  const known = byPrefix.get(prefix);
  if (known === undefined) {
    lengths.add(prefix.length);
    byPrefix.set(prefix, entry.glob === null ? entry.posting : [entry]);
  } else if (typeof known === 'number') {
    byPrefix.set(prefix, [{ glob: null, posting: known }, entry]);
  } else known.push(entry);
}
