/** Which rules serve a number or an address, as far as their `to` clauses say. */
import { type Address, readAddress, readPattern } from '../../core/rules/addresses/address.ts';
import type { Condition, RouteSet } from '../../core/rules/rule.ts';
import { tableName } from '../../core/rules/tables/table.ts';
import { reachedAt } from '../../core/rules/targets/loop.ts';
import { StepBudget } from '../shadowing/step-budget.ts';

/**
 * Shorter prefixes stand for whole countries, not for a company's own numbers: `+1*` with a
 * transfer to a mobile is not a loop.
 */
const OWN_PREFIX_MIN = '+1415'.length;
/** Comparisons of patterns with destinations; beyond this, loops may go unreported. */
const COMPARED_MAX = 2_000_000;

/** Which rules may match a call to a literal destination, by their `to` clauses. */
interface Served {
  rulesAt(destination: string): readonly number[];
}

export function* servedOf(set: RouteSet, destinations: readonly string[]): Generator<void, Served> {
  const byDestination = new Set<string>();
  const byKey = new Map<string, string[]>();
  for (const destination of destinations) {
    yield;
    if (byDestination.has(destination)) continue;
    byDestination.add(destination);
    for (const key of keysOf(reachedAt(destination))) {
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, [destination]);
      else known.push(destination);
    }
  }
  const rules = new Map<string, number[]>();
  const served = { rulesAt: (destination: string) => rules.get(destination) ?? [] };
  if (byKey.size === 0) return served;
  const hits = new Hits(set, byKey, new StepBudget(COMPARED_MAX));
  const taken = new Set<string>();
  for (const [number, rule] of set.rules.entries()) {
    yield;
    for (const destination of yield* hits.of(rule.when)) {
      const answer = holds(rule.when, (values) => hits.any(values, destination));
      // Rules after one that takes every such call do not count.
      if (answer === 'no' || taken.has(destination)) continue;
      if (answer === 'yes') taken.add(destination);
      const known = rules.get(destination);
      if (known === undefined) rules.set(destination, [number]);
      else known.push(number);
    }
  }
  return served;
}

function keysOf({ number, texts }: Address): string[] {
  return number === null ? texts : [number, ...texts];
}

/** Which destinations the values of `to` clauses and lists match; each value is looked at once. */
class Hits {
  readonly #set: RouteSet;
  readonly #byKey: ReadonlyMap<string, string[]>;
  readonly #budget: StepBudget;
  /** Known matches, by array of values or by list. */
  readonly #known = new WeakMap<object, Set<string>>();

  constructor(set: RouteSet, byKey: ReadonlyMap<string, string[]>, budget: StepBudget) {
    this.#set = set;
    this.#byKey = byKey;
    this.#budget = budget;
  }

  /**
   * The destinations that a condition's `to` clauses match; `any` can be asked about them
   * afterwards.
   */
  *of(when: Condition): Generator<void, Set<string>> {
    if ('clause' in when) {
      return when.clause.key === 'to' ? yield* this.#values(when.clause.values) : new Set();
    }
    if ('not' in when) {
      yield* this.of(when.not);
      return new Set();
    }
    const hit = new Set<string>();
    for (const part of 'all' in when ? when.all : when.any) {
      for (const destination of yield* this.of(part)) hit.add(destination);
    }
    return hit;
  }

  any(values: readonly string[], destination: string): boolean {
    return this.#known.get(values)?.has(destination) === true;
  }

  *#values(values: readonly string[]): Generator<void, Set<string>> {
    const known = this.#known.get(values);
    if (known !== undefined) return known;
    const hit = new Set<string>();
    for (const value of values) {
      yield;
      const table = tableName(value);
      const found =
        table !== null
          ? this.#table(table)
          : value.startsWith('list:')
            ? yield* this.#list(value.slice('list:'.length))
            : this.#value(value);
      for (const destination of found) hit.add(destination);
    }
    this.#known.set(values, hit);
    return hit;
  }

  /** Looks each destination up in the table, because there are few destinations. */
  #table(name: string): string[] {
    const table = this.#set.tables.get(name);
    if (table === undefined) return [];
    return [...this.#byKey].flatMap(([key, destinations]) =>
      this.#budget.spend() && table.find(readAddress(key)) !== null ? destinations : [],
    );
  }

  *#list(name: string): Generator<void, Iterable<string>> {
    const list = this.#set.lists.get(name);
    if (list === undefined) return [];
    const known = this.#known.get(list);
    if (known !== undefined) return known;
    const hit = new Set<string>();
    for (const entry of list.entries) {
      yield;
      for (const destination of this.#value(entry)) hit.add(destination);
    }
    this.#known.set(list, hit);
    return hit;
  }

  #value(value: string): string[] {
    const pattern = readPattern(value);
    if (pattern.kind === 'exact') return this.#byKey.get(pattern.key) ?? [];
    const { glob, over } = pattern;
    const texts = over === 'texts' && !glob.text.endsWith('@*') && glob.text.includes('@');
    if (!texts && (over === 'texts' || glob.literalPrefix.length < OWN_PREFIX_MIN)) return [];
    return [...this.#byKey].flatMap(([key, destinations]) =>
      this.#budget.spend() && key.includes('@') === texts && glob.matches(key) ? destinations : [],
    );
  }
}

/** Whether a condition holds for a call if only its `to` clauses can be evaluated. */
function holds(
  when: Condition,
  hits: (values: readonly string[]) => boolean,
): 'yes' | 'no' | 'perhaps' {
  if ('clause' in when) {
    if (when.clause.key !== 'to') return 'perhaps';
    return hits(when.clause.values) ? 'yes' : 'no';
  }
  if ('not' in when) {
    const inner = holds(when.not, hits);
    return inner === 'perhaps' ? inner : inner === 'yes' ? 'no' : 'yes';
  }
  const parts = ('all' in when ? when.all : when.any).map((part) => holds(part, hits));
  const [decides, otherwise] = 'all' in when ? (['no', 'yes'] as const) : (['yes', 'no'] as const);
  if (parts.includes(decides)) return decides;
  return parts.includes('perhaps') ? 'perhaps' : otherwise;
}
