/**
 * Selects the pairs of rules worth comparing: 2,000 rules make two million pairs, nearly all for
 * different numbers. A rule with `to` can only shadow a rule if it includes all of that rule's `to`
 * values, and likewise for `from`.
 */
import { readPattern } from '../../core/rules/addresses/address.ts';
import { firstOf } from '../../core/rules/addresses/packed-texts.ts';
import type { Condition, RouteSet } from '../../core/rules/rule.ts';
import { mentions } from '../../core/rules/rule-index.ts';
import { tableName } from '../../core/rules/tables/table.ts';
import { isPrefix, listName, namesOf } from './address-values.ts';

const FIELDS = ['to', 'from'] as const;
type Field = (typeof FIELDS)[number];

/**
 * Rules with longer lists than this are compared with every rule that has this field; there are few
 * of them.
 */
const LIST_ENTRIES_ENTERED = 1_000;

export class EarlierRules {
  readonly #lists: RouteSet['lists'];
  readonly #tables: RouteSet['tables'];
  readonly #byKey = { to: new Map<string, number[]>(), from: new Map<string, number[]>() };
  readonly #asking: Record<Field, number[]> = { to: [], from: [] };
  /** Rules with neither `from` nor `to`, or with values that have no key. */
  readonly #others: number[] = [];

  constructor({ lists, tables }: Pick<RouteSet, 'lists' | 'tables'>) {
    this.#lists = lists;
    this.#tables = tables;
  }

  add(index: number, when: Condition): void {
    const [best] = FIELDS.flatMap((field) => {
      const keys = this.#keys(when, field);
      return keys === null ? [] : [{ field, keys }];
    }).sort((a, b) => Number(a.keys.includes('*')) - Number(b.keys.includes('*')));
    if (best === undefined) {
      this.#others.push(index);
      return;
    }
    this.#asking[best.field].push(index);
    const known = this.#byKey[best.field];
    for (const key of best.keys) {
      const rules = known.get(key);
      if (rules === undefined) known.set(key, [index]);
      else rules.push(index);
    }
  }

  /** In ascending order, because the first rule that shadows is reported. */
  thatCouldTake(when: Condition): number[] {
    const found = new Set(this.#others);
    for (const field of FIELDS) {
      if (!mentions(when, field)) continue;
      const keys = this.#firstKeys(when, field);
      const known = this.#byKey[field];
      const rules = keys?.flatMap((key) => under(known, key)) ?? this.#asking[field];
      for (const index of rules) found.add(index);
    }
    return [...found].sort((a, b) => a - b);
  }

  /** The rule's exact values and plain prefixes; null if it has none, or also other values. */
  #keys(when: Condition, field: Field): string[] | null {
    const values = valuesOf(when, field);
    if (values === null) return null;
    const keys: string[] = [];
    for (const value of values.flatMap((written) => this.#entries(written))) {
      const pattern = readPattern(value);
      if (pattern.kind === 'exact') keys.push(pattern.key);
      else if (isPrefix(pattern.glob)) keys.push(pattern.glob.text);
      else return null;
    }
    return keys;
  }

  /** Keys of the rule's first value: a rule that shadows this one must match that value too. */
  #firstKeys(when: Condition, field: Field): string[] | null {
    const [written] = valuesOf(when, field) ?? [];
    if (written === undefined) return null;
    const list = written.startsWith('list:') ? this.#lists.get(listName(written)) : undefined;
    const table = this.#tables.get(tableName(written) ?? '');
    const first =
      table !== undefined
        ? firstOf(table.keys(), 1)[0]
        : list === undefined
          ? written
          : firstOf(list.entries, 1)[0];
    if (first === undefined || /^(?:list|table):/.test(first)) return null;
    const pattern = readPattern(first);
    if (pattern.kind === 'glob') return [`${pattern.glob.literalPrefix}*`];
    return namesOf(pattern.key).map(({ text }) => text);
  }

  /** The entries of a list or table; if there are too many, `*`, which matches everything. */
  #entries(value: string): string[] {
    const name = tableName(value);
    if (name !== null) {
      const table = this.#tables.get(name);
      if (table === undefined) return [];
      return table.rows > LIST_ENTRIES_ENTERED ? ['*'] : [...table.keys()];
    }
    if (!value.startsWith('list:')) return [value];
    const list = this.#lists.get(listName(value));
    if (list === undefined) return [];
    return list.entries.length > LIST_ENTRIES_ENTERED ? ['*'] : [...list.entries];
  }
}

/** Rules with exactly this key, and those with a prefix of it. */
function under(known: ReadonlyMap<string, number[]>, key: string): number[] {
  const found = [known.get(key) ?? []];
  for (let length = key.length; length >= 0; length -= 1) {
    found.push(known.get(`${key.slice(0, length)}*`) ?? []);
  }
  return found.flat();
}

/** Values of the rule's top-level clause, not of one inside `any` or `not`. */
function valuesOf(when: Condition, field: Field): string[] | null {
  if (!('all' in when)) return null;
  for (const part of when.all) {
    if ('clause' in part && part.clause.key === field) return part.clause.values;
  }
  return null;
}
