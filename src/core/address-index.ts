/**
 * All values of `from`, or of `to`, over all rules and lists, looked up at once: one lookup of the number
 * and one per distinct prefix length, however many entries there are. What comes out are postings: which
 * clauses hold and which rules could match. A list is one posting that its rules share, so that a list of
 * 100,000 in 2,000 rules is 100,000 entries.
 */
import { type Address, readPattern } from './address.ts';
import type { Glob } from './glob.ts';

/** What one value, or one list, stands for. Both arrays ascend. */
export interface Posting {
  /** Clauses that hold when it is hit. */
  clauses: number[];
  /** By event (see `EVENTS`): rules that cannot match unless one of their postings is hit. */
  rules: [number[], number[], number[]];
}

export function emptyPosting(): Posting {
  return { clauses: [], rules: [[], [], []] };
}

interface PrefixEntry {
  /** Null: the prefix is the whole pattern. */
  glob: Glob | null;
  posting: Posting;
}

/** Patterns by what stands before their first wildcard. */
interface PrefixMap {
  lengths: number[];
  byPrefix: Map<string, PrefixEntry[]>;
}

export class AddressIndex {
  readonly #exact = new Map<string, Posting | Posting[]>();
  readonly #numbers: PrefixMap = { lengths: [], byPrefix: new Map() };
  readonly #texts: PrefixMap = { lengths: [], byPrefix: new Map() };

  add(value: string, posting: Posting): void {
    const pattern = readPattern(value);
    if (pattern.kind === 'exact') {
      const known = this.#exact.get(pattern.key);
      if (known === undefined) this.#exact.set(pattern.key, posting);
      else if (Array.isArray(known)) known.push(posting);
      else if (known !== posting) this.#exact.set(pattern.key, [known, posting]);
      return;
    }
    const { glob, over } = pattern;
    const whole = glob.text === `${glob.literalPrefix}*`;
    const entry = { glob: whole ? null : glob, posting };
    if (over !== 'texts') addPrefix(this.#numbers, glob.literalPrefix, entry);
    if (over !== 'numbers') addPrefix(this.#texts, glob.literalPrefix, entry);
  }

  /** Postings hit by this party; one may come twice. */
  lookup(address: Address): Posting[] {
    const hits: Posting[] = [];
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

  #lookupExact(key: string, hits: Posting[]): void {
    const found = this.#exact.get(key);
    if (found === undefined) return;
    if (Array.isArray(found)) for (const posting of found) hits.push(posting);
    else hits.push(found);
  }
}

function addPrefix(map: PrefixMap, prefix: string, entry: PrefixEntry): void {
  const known = map.byPrefix.get(prefix);
  if (known === undefined) map.byPrefix.set(prefix, [entry]);
  else known.push(entry);
  if (!map.lengths.includes(prefix.length)) map.lengths.push(prefix.length);
}

function lookupPrefix(map: PrefixMap, text: string, hits: Posting[]): void {
  for (const length of map.lengths) {
    if (length > text.length) continue;
    const entries = map.byPrefix.get(text.slice(0, length));
    if (entries === undefined) continue;
    for (const { glob, posting } of entries) {
      if (glob === null || glob.matches(text)) hits.push(posting);
    }
  }
}
