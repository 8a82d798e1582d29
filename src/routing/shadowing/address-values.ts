/**
 * A set of `from` or `to` values that is queried without iterating over it: a list may contain a
 * hundred thousand prefixes, and thousands of rules are compared with it.
 */
import { type Pattern, readPattern } from '../../core/rules/addresses/address.ts';
import type { Glob } from '../../core/rules/addresses/glob.ts';
import { WideMap } from '../../core/rules/addresses/wide-map.ts';
import { tableName } from '../../core/rules/tables/table.ts';
import type { StepBudget } from './step-budget.ts';

type Over = 'numbers' | 'texts' | 'both';

export class AddressValues {
  readonly lists = new Set<string>();
  readonly tables = new Set<string>();
  readonly #exact = new WideMap<true>();
  readonly #prefixes = { numbers: new Prefixes(), texts: new Prefixes(), both: new Prefixes() };
  readonly #globs: { glob: Glob; over: Over }[] = [];
  readonly #globTexts = new Set<string>();

  add(value: string): void {
    const table = tableName(value);
    if (table !== null) this.tables.add(table);
    else if (value.startsWith('list:')) this.lists.add(listName(value));
    else this.#addPattern(readPattern(value));
  }

  #addPattern(pattern: Pattern): void {
    if (pattern.kind === 'exact') this.#exact.set(pattern.key, true);
    else if (isPrefix(pattern.glob)) {
      this.#prefixes[pattern.over].add(pattern.glob.literalPrefix);
    } else {
      this.#globs.push(pattern);
      this.#globTexts.add(`${pattern.over} ${pattern.glob.text}`);
    }
  }

  /**
   * Whether one of the values matches everything that `asked` matches. Values in lists and tables
   * are not considered.
   */
  take(asked: Pattern, budget: StepBudget): boolean {
    if (asked.kind === 'glob') {
      // Two patterns are only compared by prefix: "+1*" includes "+1415*".
      return (
        this.#globTexts.has(`${asked.over} ${asked.glob.text}`) ||
        this.#prefixes[asked.over].beginOne(asked.glob.literalPrefix, budget) ||
        this.#prefixes.both.beginOne(asked.glob.literalPrefix, budget)
      );
    }
    return namesOf(asked.key).some(
      ({ text, over }) =>
        this.#exact.has(text) ||
        this.#prefixes[over].beginOne(text, budget) ||
        this.#prefixes.both.beginOne(text, budget) ||
        this.#globs.some(
          (wide) =>
            budget.spend() &&
            (wide.over === over || wide.over === 'both') &&
            wide.glob.matches(text),
        ),
    );
  }
}

export function listName(value: string): string {
  return value.slice('list:'.length);
}

/** Whether the pattern is a plain prefix: `abc*`. */
export function isPrefix(glob: Glob): boolean {
  return glob.text === `${glob.literalPrefix}*`;
}

/**
 * All texts that a call with exactly this address is matched by: "sip:+14155550100@host" also
 * counts as that number.
 */
export function namesOf(key: string): { text: string; over: 'numbers' | 'texts' }[] {
  const at = key.indexOf('@');
  if (at < 0) return [{ text: key, over: key.startsWith('+') ? 'numbers' : 'texts' }];
  const user = key.slice(0, at);
  const address = { text: key, over: 'texts' } as const;
  return /^\+[0-9]+$/.test(user) ? [address, { text: user, over: 'numbers' }] : [address];
}

/** A set of prefixes. A text is looked up by its beginnings, only of lengths that occur. */
class Prefixes {
  readonly #texts = new WideMap<true>();
  readonly #lengths = new Set<number>();

  add(prefix: string): void {
    this.#texts.set(prefix, true);
    this.#lengths.add(prefix.length);
  }

  beginOne(text: string, budget: StepBudget): boolean {
    for (const length of this.#lengths) {
      if (!budget.spend()) return false;
      if (this.#texts.has(text.slice(0, length))) return true;
    }
    return false;
  }
}
