/** The call to decide on. Values that several rules need are computed once, when first needed. */
import type { CallFacts, LookupFact } from '../machine/call.ts';
import type { Moment } from '../machine/plan.ts';
import { type Address, isAnonymous, readAddress } from './addresses/address.ts';
import { countryOf } from './addresses/country.ts';
import { lookupFact } from './lookup.ts';
import type { Overrides } from './override.ts';
import { clausesAt, FEW_HITS, hasClause, type Postings } from './postings.ts';
import type { Lookup, Schedule } from './rule.ts';
import type { RuleIndex } from './rule-index.ts';
import { isOpenAt } from './schedules/schedule.ts';
import { CallRows } from './tables/found-rows.ts';

/** How many characters of a caller's text are quoted. */
const QUOTED_CHARS_MAX = 80;

const NO_LOOKUPS: ReadonlyMap<string, Lookup> = new Map();

export class Subject {
  readonly facts: CallFacts;
  readonly moment: Moment;
  readonly overrides: Overrides;
  readonly from: Address;
  readonly to: Address;
  /** Positions of postings. */
  readonly fromHits: number[];
  readonly toHits: number[];
  /** The rows of tables that belong to this call. */
  readonly rows: CallRows;
  readonly #postings: Postings;
  readonly #lookups: ReadonlyMap<string, Lookup>;
  #clauses: Set<number> | undefined;
  #fromWord: string | undefined;
  #toWord: string | undefined;
  #country: string | null | undefined;
  #headers: Map<string, string[]> | undefined;
  #open: Map<string, boolean> | undefined;

  constructor(
    facts: CallFacts,
    moment: Moment,
    overrides: Overrides,
    index: RuleIndex,
    lookups: ReadonlyMap<string, Lookup> = NO_LOOKUPS,
  ) {
    this.facts = facts;
    this.moment = moment;
    this.overrides = overrides;
    this.from = readAddress(facts.from);
    this.to = readAddress(facts.to);
    this.fromHits = index.from.lookup(this.from);
    this.toHits = index.to.lookup(this.to);
    this.#postings = index.postings;
    this.rows = new CallRows(index.tables, facts, { from: this.from, to: this.to });
    for (const { name, field, posting } of index.tableHits) {
      if (this.rows.of(name) === null) continue;
      (field === 'from' ? this.fromHits : this.toHits).push(posting);
    }
    this.#lookups = lookups;
  }

  /** Whether a clause of `from` or `to` matches, by its number. */
  isHit(field: 'from' | 'to', clause: number): boolean {
    const hits = field === 'from' ? this.fromHits : this.toHits;
    if (hits.length > FEW_HITS) {
      this.#clauses ??= clausesAt(this.#postings, [...this.fromHits, ...this.toHits]);
      return this.#clauses.has(clause);
    }
    for (let i = 0; i < hits.length; i += 1) {
      if (hasClause(this.#postings, hits[i] ?? 0, clause)) return true;
    }
    return false;
  }

  /** `to: +14155550111`, for the beginning of a sentence. */
  word(field: 'from' | 'to'): string {
    if (field === 'from') {
      this.#fromWord ??= `from: ${quote(this.facts.from, 'a caller without a number')}`;
      return this.#fromWord;
    }
    this.#toWord ??= `to: ${quote(this.facts.to, 'a call without a number')}`;
    return this.#toWord;
  }

  /** Country of the caller's number. */
  country(): string | null {
    if (this.#country === undefined) {
      const number = this.from.number;
      this.#country = number === null ? null : countryOf(number);
    }
    return this.#country;
  }

  header(name: string): readonly string[] {
    if (this.#headers === undefined) {
      this.#headers = new Map();
      for (const header of this.facts.headers) {
        const key = header.name.toLowerCase();
        const known = this.#headers.get(key);
        if (known === undefined) this.#headers.set(key, [header.value]);
        else known.push(header.value);
      }
    }
    return this.#headers.get(name) ?? [];
  }

  isOpen(schedule: Schedule): boolean {
    this.#open ??= new Map();
    let open = this.#open.get(schedule.name);
    if (open === undefined) {
      open = isOpenAt(schedule, this.moment.at, this.overrides);
      this.#open.set(schedule.name, open);
    }
    return open;
  }

  /** The result of a lookup; undefined if it has not been asked. */
  lookup(name: string): LookupFact | undefined {
    return lookupFact(name, this.facts, this.#lookups);
  }

  isAnonymous(): boolean {
    return isAnonymous(this.from);
  }

  /** The key of sticky choices. */
  caller(): string {
    return callerKey(this.facts);
  }
}

/**
 * The caller as one text; for an anonymous caller the session, so that one call always gets one
 * answer.
 */
export function callerKey(facts: CallFacts): string {
  const from = readAddress(facts.from);
  if (isAnonymous(from)) return `session ${facts.sessionId ?? facts.callId}`;
  return from.number ?? from.texts[0] ?? '';
}

/** Quotes a caller's text: shortened, control characters escaped; `none` if there is none. */
export function quote(
  text: string | null,
  none = 'nothing',
  charsMax: number = QUOTED_CHARS_MAX,
): string {
  if (text === null || text === '') return none;
  const short = text.length > charsMax ? `${text.slice(0, charsMax).toWellFormed()}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are looked for
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, unicodeEscape);
}

/** A JSON escape. */
export function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
