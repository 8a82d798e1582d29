/**
 * Looks up all values of `from`, or of `to`, of all rules and lists at once: one lookup of the
 * number and one per distinct prefix length, however many entries there are. The result is
 * postings. A list is one posting that its rules share, so a list of 100,000 used by 2,000 rules
 * takes 100,000 entries.
 */
import { type Address, readPattern } from './address.ts';
import type { Glob } from './glob.ts';
import type { Posting } from './postings.ts';

/** `P` is a posting: an object while rules are compiled, its place once they are. */
interface PrefixEntry<P> {
  /** Null: the prefix is the whole pattern. */
  glob: Glob | null;
  posting: P;
}

/** By the whole text, and patterns by the text before their first wildcard. */
interface Entries<P> {
  exact: Map<string, P[]>;
  numbers: Map<string, PrefixEntry<P>[]>;
  texts: Map<string, PrefixEntry<P>[]>;
}

export class AddressEntries {
  readonly #entries: Entries<Posting> = { exact: new Map(), numbers: new Map(), texts: new Map() };

  add(value: string, posting: Posting): void {
    const { exact, numbers, texts } = this.#entries;
    const pattern = readPattern(value);
    if (pattern.kind === 'exact') {
      const known = exact.get(pattern.key);
      if (known === undefined) exact.set(pattern.key, [posting]);
      else if (!known.includes(posting)) known.push(posting);
      return;
    }
    const { glob, over } = pattern;
    const whole = glob.text === `${glob.literalPrefix}*`;
    const entry = { glob: whole ? null : glob, posting };
    if (over !== 'texts') push(numbers, glob.literalPrefix, entry);
    if (over !== 'numbers') push(texts, glob.literalPrefix, entry);
  }

  index(placeOf: (posting: Posting) => number): AddressIndex {
    return new AddressIndex(this.#entries, placeOf);
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

/** Most keys have one entry, which is stored as a plain number to save memory. */
type Few<T> = number | T[];

interface PrefixMap {
  lengths: number[];
  byPrefix: Map<string, Few<PrefixEntry<number>>>;
}

export class AddressIndex {
  readonly #exact: Map<string, Few<number>>;
  readonly #numbers: PrefixMap;
  readonly #texts: PrefixMap;

  constructor({ exact, numbers, texts }: Entries<Posting>, placeOf: (posting: Posting) => number) {
    this.#exact = new Map();
    for (const [key, postings] of exact) {
      const [only = 0, ...others] = postings.map(placeOf);
      this.#exact.set(key, others.length === 0 ? only : [only, ...others]);
    }
    this.#numbers = prefixMap(numbers, placeOf);
    this.#texts = prefixMap(texts, placeOf);
  }

  /** Positions of the postings that this party hits; one may occur twice. */
  lookup(address: Address): number[] {
    const hits: number[] = [];
    if (address.number !== null) {
      this.#lookupExact(address.number, hits);
      lookupPrefix(this.#numbers, address.number, hits);
    }
    for (const text of address.texts) {
      this.#lookupExact(text, hits);
      lookupPrefix(this.#texts, text, hits);
    }
    return hits;
  }

  #lookupExact(key: string, hits: number[]): void {
    const found = this.#exact.get(key);
    if (found === undefined) return;
    if (typeof found === 'number') hits.push(found);
    else for (const posting of found) hits.push(posting);
  }
}

function prefixMap(
  entries: Map<string, PrefixEntry<Posting>[]>,
  placeOf: (posting: Posting) => number,
): PrefixMap {
  const byPrefix: PrefixMap['byPrefix'] = new Map();
  const lengths = new Set<number>();
  for (const [prefix, known] of entries) {
    lengths.add(prefix.length);
    const placed = known.map(({ glob, posting }) => ({ glob, posting: placeOf(posting) }));
    const [only] = placed;
    const bare = placed.length === 1 && only !== undefined && only.glob === null;
    byPrefix.set(prefix, bare ? only.posting : placed);
  }
  return { lengths: [...lengths], byPrefix };
}

function lookupPrefix(map: PrefixMap, text: string, hits: number[]): void {
  for (const length of map.lengths) {
    if (length > text.length) continue;
    const entries = map.byPrefix.get(text.slice(0, length));
    if (entries === undefined) continue;
    if (typeof entries === 'number') {
      hits.push(entries);
      continue;
    }
    for (const { glob, posting } of entries) {
      if (glob === null || glob.matches(text)) hits.push(posting);
    }
  }
}
