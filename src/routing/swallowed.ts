/**
 * Rules that never run because an earlier one takes every call they could take. The comparison is clause
 * by clause and errs to silence: what it names is swallowed, what it does not name may still be.
 */

import { readPattern } from '../core/address.ts';
import { compileGlob } from '../core/glob.ts';
import type { Clause, Condition, RouteSet, Rule } from '../core/rule.ts';
import { mentions } from '../core/rule-index.ts';
import type { SetContext } from './context.ts';
import { LIMITS } from './limits.ts';
import type { Problems } from './problem.ts';

export function checkSwallowed({ problems, rulePlaces }: SetContext, set: RouteSet): void {
  const cover = new Cover(set);
  const broken = problems.problems.length === 0 ? new Set<Rule>() : withProblems(set, problems);
  const wholes = set.rules.map((rule) => whole(rule.when));
  const earlierRules = new EarlierRules(set);
  for (const [index, rule] of set.rules.entries()) {
    const narrow = wholes[index] ?? { all: [] };
    const candidates = earlierRules.thatCouldTake(rule.when);
    earlierRules.add(index, rule.when);
    for (const before of candidates) {
      const earlier = set.rules[before];
      const wide = wholes[before];
      if (cover.spent) return;
      if (earlier === undefined || wide === undefined || 'handler' in earlier.action) continue;
      if (!cover.implies(narrow, wide)) continue;
      if (broken.has(rule) || broken.has(earlier)) break;
      const place = rulePlaces.get(rule) ?? { file: rule.file, line: rule.line, column: 1 };
      problems.warning(
        place,
        `the rule ${JSON.stringify(rule.name)} never runs: ${JSON.stringify(earlier.name)} (${earlier.file}:${earlier.line}) matches first, whatever the call`,
        'move it above that rule, or make that rule narrower',
      );
      break;
    }
  }
}

/** With what a rule means that names neither direction nor event. */
function whole(when: Condition): Condition {
  const all = [when];
  if (!mentions(when, 'direction'))
    all.push({ clause: { key: 'direction', values: ['incoming'] } });
  if (!mentions(when, 'event')) all.push({ clause: { key: 'event', values: ['call.initiated'] } });
  return { all };
}

/** What of a rule could not be read is missing from its condition: nothing to conclude. */
function withProblems(set: RouteSet, problems: Problems): Set<Rule> {
  const broken = new Set<Rule>();
  for (const [index, rule] of set.rules.entries()) {
    const next = set.rules[index + 1];
    const end = next?.file === rule.file ? next.line - 1 : Number.MAX_SAFE_INTEGER;
    if (problems.within(rule.file, rule.line, end)) broken.add(rule);
  }
  return broken;
}

/**
 * Which rules are worth comparing: 2,000 rules of a hundred numbers each are two million pairs, nearly
 * all of other numbers. A rule that asks for `to` can only swallow one whose every `to` it has.
 */
class EarlierRules {
  readonly #set: RouteSet;
  readonly #byTo = new Map<string, number[]>();
  /** Rules without a plain `to`, or with one that no key stands for. */
  readonly #others: number[] = [];
  #count = 0;

  constructor(set: RouteSet) {
    this.#set = set;
  }

  add(index: number, when: Condition): void {
    const keys = toKeys(when, this.#set);
    if (keys === null) this.#others.push(index);
    for (const key of keys ?? []) {
      const known = this.#byTo.get(key);
      if (known === undefined) this.#byTo.set(key, [index]);
      else known.push(index);
    }
    this.#count = index + 1;
  }

  /** Ascending: the first that swallows is the one to name. */
  thatCouldTake(when: Condition): number[] {
    const key = toKeys(when, this.#set)?.[0];
    if (key === undefined) return Array.from({ length: this.#count }, (_, index) => index);
    const found = new Set([...this.#others, ...(this.#byTo.get(key) ?? [])]);
    for (let length = key.length; length >= 0; length -= 1) {
      for (const index of this.#byTo.get(`${key.slice(0, length)}*`) ?? []) found.add(index);
    }
    return [...found].sort((a, b) => a - b);
  }
}

/** Exact values and plain prefixes of a rule's own `to`; null where it has none, or another kind. */
function toKeys(when: Condition, set: RouteSet): string[] | null {
  const clause =
    'all' in when
      ? when.all.find((part) => 'clause' in part && part.clause.key === 'to')
      : undefined;
  if (clause === undefined || !('clause' in clause) || clause.clause.key !== 'to') return null;
  const keys: string[] = [];
  for (const value of clause.clause.values.flatMap((written) => entriesOf(written, set))) {
    const pattern = readPattern(value);
    if (pattern.kind === 'exact') keys.push(pattern.key);
    else if (pattern.glob.text === `${pattern.glob.literalPrefix}*`) keys.push(pattern.glob.text);
    else return null;
  }
  return keys;
}

/** A list beyond which its rule is compared with every other instead: there are few of such. */
const LIST_ENTRIES_COMPARED = 1_000;

/** Of a list its entries; `*`, which is no key, where they are too many. */
function entriesOf(value: string, set: RouteSet): string[] {
  if (!value.startsWith('list:')) return [value];
  const list = set.lists.get(value.slice('list:'.length));
  if (list === undefined) return [];
  const count = list.exact.length + list.prefixes.length + list.globs.length;
  if (count > LIST_ENTRIES_COMPARED) return ['*'];
  return [...list.exact, ...list.prefixes, ...list.globs];
}

class Cover {
  readonly #set: RouteSet;
  readonly #sets = new WeakMap<readonly string[], ReadonlySet<string>>();
  #work = 0;

  constructor(set: RouteSet) {
    this.#set = set;
  }

  get spent(): boolean {
    return this.#work > LIMITS.subsumptionWork;
  }

  /** True only where every call that satisfies `narrow` satisfies `wide`. */
  implies(narrow: Condition, wide: Condition): boolean {
    this.#work += 1;
    if (this.spent) return false;
    if ('all' in wide) return wide.all.every((part) => this.implies(narrow, part));
    if ('all' in narrow && narrow.all.some((part) => this.implies(part, wide))) return true;
    if ('any' in narrow && narrow.any.every((part) => this.implies(part, wide))) return true;
    if ('any' in wide) return wide.any.some((part) => this.implies(narrow, part));
    if ('not' in wide) return 'not' in narrow && this.implies(wide.not, narrow.not);
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
        narrow.values.every((value) =>
          wide.values.some(
            (w) =>
              w === '*' || w === value || (!/[*?]/.test(value) && compileGlob(w).matches(value)),
          ),
        )
      );
    }
    // The share of callers hangs on the rule's name: ten percent of one are not ten of another.
    if (narrow.key === 'percent' || narrow.key !== wide.key) return false;
    if ('value' in narrow) return 'value' in wide && narrow.value === wide.value;
    return (
      'values' in wide &&
      (narrow.values as string[]).every((value) => (wide.values as string[]).includes(value))
    );
  }

  /** Whether all that one written value matches is matched by one of the wide ones. */
  #party(value: string, wide: readonly string[]): boolean {
    this.#work += 1;
    if (this.#has(wide, value)) return true;
    if (value.startsWith('list:')) {
      const entries = entriesOf(value, this.#set);
      return entries.length > 0 && entries.every((entry) => this.#party(entry, wide));
    }
    return wide.some((candidate) => this.#covers(candidate, value));
  }

  #covers(wide: string, value: string): boolean {
    this.#work += 1;
    if (this.spent) return false;
    if (wide.startsWith('list:')) {
      const list = this.#set.lists.get(wide.slice('list:'.length));
      if (list === undefined) return false;
      return (
        this.#has(list.exact, value) ||
        this.#hasPrefix(list.prefixes, value) ||
        list.globs.some((g) => g === value)
      );
    }
    if (wide === '*') return true;
    if (!/[*?]/.test(wide)) return false;
    const pattern = readPattern(wide);
    const inner = readPattern(value);
    if (pattern.kind !== 'glob') return false;
    if (inner.kind === 'exact') {
      const number = inner.key.startsWith('+');
      return pattern.over === 'both' || (pattern.over === 'numbers') === number
        ? pattern.glob.matches(inner.key)
        : false;
    }
    // Of two patterns only prefixes are compared: "+1415*" lies in "+1*".
    const plain = (text: string) => text.indexOf('*') === text.length - 1 && !text.includes('?');
    return (
      inner.over === pattern.over &&
      plain(pattern.glob.text) &&
      inner.glob.literalPrefix.startsWith(pattern.glob.literalPrefix)
    );
  }

  /** Of a number by its own beginnings: a list may hold a hundred thousand prefixes. */
  #hasPrefix(prefixes: readonly string[], value: string): boolean {
    const digits = /^(\+[0-9]*)\*?$/.exec(value)?.[1];
    if (digits === undefined) return prefixes.some((prefix) => this.#covers(prefix, value));
    for (let length = digits.length; length >= 0; length -= 1) {
      if (this.#has(prefixes, `${digits.slice(0, length)}*`)) return true;
    }
    return false;
  }

  #has(values: readonly string[], value: string): boolean {
    if (values.length < 8) return values.includes(value);
    let known = this.#sets.get(values);
    if (known === undefined) {
      known = new Set(values);
      this.#sets.set(values, known);
    }
    return known.has(value);
  }
}
