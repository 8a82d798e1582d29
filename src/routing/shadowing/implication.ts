/**
 * Whether one condition matches whenever another does, compared clause by clause; no if in doubt.
 */
import { type Pattern, readPattern } from '../../core/rules/addresses/address.ts';
import { compileGlob, type Glob, isGlob } from '../../core/rules/addresses/glob.ts';
import type { Clause, Condition, NumberList, RouteSet } from '../../core/rules/rule.ts';
import { Table, tableName } from '../../core/rules/tables/table.ts';
import { AddressValues, listName, namesOf } from './address-values.ts';
import type { StepBudget } from './step-budget.ts';

/** Parsed patterns are cached, because one rule's values are compared with each earlier rule. */
const PATTERNS_KEPT = 10_000;

export class Implication {
  readonly #lists: RouteSet['lists'];
  readonly #tables: RouteSet['tables'];
  readonly #budget: StepBudget;
  readonly #patterns = new Map<string, Pattern>();
  readonly #addresses = new WeakMap<readonly string[] | NumberList, AddressValues>();
  readonly #wholes = new WeakMap<NumberList | Table, WeakMap<readonly string[], boolean>>();
  /** Long work that must be done before the question can be answered. */
  #owed: Generator<void, void> | null = null;
  readonly #sets = new WeakMap<readonly string[], ReadonlySet<string>>();
  readonly #globs = new WeakMap<readonly string[], Glob[]>();

  constructor({ lists, tables }: Pick<RouteSet, 'lists' | 'tables'>, budget: StepBudget) {
    this.#lists = lists;
    this.#tables = tables;
    this.#budget = budget;
  }

  /** Long work to run, in slices, before asking the last question again. */
  takeOwed(): Generator<void, void> | null {
    const owed = this.#owed;
    this.#owed = null;
    return owed;
  }

  /**
   * True only if every call that satisfies `narrow` satisfies `wide`. The answer is only valid if
   * `takeOwed` returns null afterwards.
   */
  implies(narrow: Condition, wide: Condition): boolean {
    if (!this.#budget.spend()) return false;
    if ('all' in wide) return wide.all.every((part) => this.implies(narrow, part));
    if ('all' in narrow && narrow.all.some((part) => this.implies(part, wide))) return true;
    if ('any' in narrow && narrow.any.every((part) => this.implies(part, wide))) return true;
    if ('any' in wide) return wide.any.some((part) => this.implies(narrow, part));
    if ('not' in wide) {
      return 'not' in narrow ? this.implies(wide.not, narrow.not) : isClosed(narrow, wide.not);
    }
    const always = wide.clause.key === 'percent' && wide.clause.value === 100;
    return always || ('clause' in narrow && this.#clause(narrow.clause, wide.clause));
  }

  #clause(narrow: Clause, wide: Clause): boolean {
    if (narrow.key === 'from' || narrow.key === 'to') {
      return (
        wide.key === narrow.key && narrow.values.every((value) => this.#party(value, wide.values))
      );
    }
    if (narrow.key === 'header') {
      return (
        wide.key === 'header' &&
        wide.name.toLowerCase() === narrow.name.toLowerCase() &&
        narrow.values.every((value) => this.#glob(value, wide.values))
      );
    }
    if (narrow.key === 'row') {
      return (
        wide.key === 'row' &&
        wide.column === narrow.column &&
        wide.scope.join() === narrow.scope.join() &&
        narrow.values.every((value) => this.#glob(value, wide.values))
      );
    }
    if (narrow.key === 'closed_because') {
      return (
        wide.key === 'closed_because' &&
        wide.schedule === narrow.schedule &&
        narrow.values.every((value) => this.#has(wide.values, value))
      );
    }
    if (narrow.key === 'dates') return wide.key === 'dates' && isWithin(narrow, wide);
    if (narrow.key === 'lookup') {
      return (
        wide.key === 'lookup' &&
        wide.lookup === narrow.lookup &&
        wide.field === narrow.field &&
        narrow.values.every((value) => this.#glob(value, wide.values))
      );
    }
    // Which callers are selected depends on the rule's name: ten percent of one rule are not the
    // ten percent of another.
    if (narrow.key === 'percent' || narrow.key !== wide.key) return false;
    if ('value' in narrow) return 'value' in wide && narrow.value === wide.value;
    return 'values' in wide && narrow.values.every((value) => this.#has(wide.values, value));
  }

  /** Whether one of the wide values matches everything that this value matches. */
  #party(value: string, wide: readonly string[]): boolean {
    if (!this.#budget.spend()) return false;
    const values = this.#valuesOf(wide);
    const table = tableName(value);
    if (table !== null) {
      const rows = this.#tables.get(table);
      return values.tables.has(table) || (rows !== undefined && this.#whole(rows, wide));
    }
    if (value.startsWith('list:')) {
      if (values.lists.has(listName(value))) return true;
      const list = this.#lists.get(listName(value));
      return list !== undefined && this.#whole(list, wide);
    }
    const asked = this.#pattern(value);
    if (values.take(asked, this.#budget)) return true;
    for (const name of values.lists) {
      if (!this.#budget.spend()) return false;
      const list = this.#lists.get(name);
      if (list !== undefined && this.#listValues(list)?.take(asked, this.#budget)) return true;
    }
    for (const name of values.tables) if (this.#inTable(name, asked)) return true;
    return false;
  }

  #inTable(name: string, asked: Pattern): boolean {
    const table = this.#tables.get(name);
    if (table === undefined || asked.kind !== 'exact' || !this.#budget.spend()) return false;
    const names = namesOf(asked.key);
    const of = (over: 'numbers' | 'texts') =>
      names.filter((each) => each.over === over).map(({ text }) => text);
    return (
      table.find({ number: of('numbers')[0] ?? null, texts: of('texts'), user: null }) !== null
    );
  }

  /**
   * Whether each entry of a list or table is matched by one of the wide values. False for an empty
   * one, because it matches nothing yet, which is not shadowing.
   */
  #whole(entries: NumberList | Table, wide: readonly string[]): boolean {
    const known = kept(this.#wholes, entries, () => new WeakMap<readonly string[], boolean>());
    const answer = known.get(wide);
    if (answer !== undefined) return answer;
    this.#owe(this.#compareWhole(entries, wide, known));
    return false;
  }

  *#compareWhole(
    entries: NumberList | Table,
    wide: readonly string[],
    known: WeakMap<readonly string[], boolean>,
  ): Generator<void, void> {
    let whole = false;
    for (const entry of entriesOf(entries)) {
      whole = this.#party(entry, wide);
      for (let owed = this.takeOwed(); owed !== null; owed = this.takeOwed()) {
        yield* owed;
        whole = this.#party(entry, wide);
      }
      if (!whole) break;
      yield;
    }
    known.set(wide, whole);
  }

  #glob(value: string, wide: readonly string[]): boolean {
    if (this.#has(wide, value)) return true;
    const globs = kept(this.#globs, wide, () => wide.filter(isGlob).map(compileGlob));
    return globs.some(
      (glob) =>
        this.#budget.spend() && (glob.text === '*' || (!isGlob(value) && glob.matches(value))),
    );
  }

  #has(values: readonly string[], value: string): boolean {
    return this.#budget.spend() && kept(this.#sets, values, () => new Set(values)).has(value);
  }

  #valuesOf(values: readonly string[]): AddressValues {
    return kept(this.#addresses, values, () => {
      const all = new AddressValues();
      for (const value of values) all.add(value);
      return all;
    });
  }

  /** Null until the list has been read. */
  #listValues(list: NumberList): AddressValues | null {
    const known = this.#addresses.get(list);
    if (known === undefined) this.#owe(this.#readList(list));
    return known ?? null;
  }

  *#readList(list: NumberList): Generator<void, void> {
    const values = new AddressValues();
    for (const entry of entriesOf(list)) {
      values.add(entry);
      yield;
    }
    this.#addresses.set(list, values);
  }

  /** Only the first piece of work is kept: its result may make the others unnecessary. */
  #owe(work: Generator<void, void>): void {
    this.#owed ??= work;
  }

  #pattern(value: string): Pattern {
    let pattern = this.#patterns.get(value);
    if (pattern === undefined) {
      pattern = readPattern(value);
      if (this.#patterns.size >= PATTERNS_KEPT) this.#patterns.clear();
      this.#patterns.set(value, pattern);
    }
    return pattern;
  }
}

function entriesOf(of: NumberList | Table): Iterable<string> {
  return of instanceof Table ? of.keys() : of.entries;
}

type Dates = Extract<Clause, { key: 'dates' }>;

function isWithin(narrow: Dates, wide: Dates): boolean {
  const begins = wide.fromMs === null || (narrow.fromMs !== null && narrow.fromMs >= wide.fromMs);
  const ends = wide.untilMs === null || (narrow.untilMs !== null && narrow.untilMs <= wide.untilMs);
  return begins && ends;
}

/** A call that finds a schedule closed for a reason also satisfies `not: { schedule: office }`. */
function isClosed(narrow: Condition, open: Condition): boolean {
  if ('all' in open) return open.all.length === 1 && isClosed(narrow, open.all[0] ?? open);
  if (!('clause' in open) || !('clause' in narrow)) return false;
  const { clause } = narrow;
  return (
    clause.key === 'closed_because' &&
    open.clause.key === 'schedule' &&
    open.clause.values.every((name) => name === clause.schedule)
  );
}

function kept<Key extends object, Value>(
  known: WeakMap<Key, Value>,
  key: Key,
  make: () => Value,
): Value {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}
