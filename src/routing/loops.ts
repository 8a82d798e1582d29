/**
 * Finds steps that lead back to a number or address that their own rule serves, directly or through
 * other rules. Each round is a new, billed call. Loops outside these files cannot be seen here;
 * budgets limit them.
 */
import { type Address, readAddress, readPattern } from '../core/rules/address.ts';
import { loopReason, reachedAt } from '../core/rules/loop.ts';
import {
  type Condition,
  type Destination,
  everyStep,
  type RouteSet,
  type RouteStep,
} from '../core/rules/rule.ts';
import { tableName } from '../core/rules/table.ts';
import {
  fillDestination,
  hasPlaces,
  literalText,
  templateText,
  valuesFor,
} from '../core/rules/template.ts';

import type { SetContext } from './context.ts';
import { factsOf } from './example.ts';
import { quoted } from './number.ts';
import { StepBudget } from './shadowing/step-budget.ts';

type Moving = Extract<RouteStep, { do: 'refer' | 'transfer' }>;

/** Where one step may take the caller. */
interface Exit {
  step: Moving;
  template: Extract<Destination, { kind: 'literal' }>['template'];
}

/** Yields where it may be interrupted. */
export function* checkLoops(context: SetContext, set: RouteSet): Generator<void, void> {
  const exits: Exit[][] = [];
  for (const { action } of set.rules) {
    yield;
    exits.push('steps' in action ? exitsOf(set, action.steps) : []);
  }
  const served = yield* servedOf(set, exits.flat().filter(isWritten).map(addressOf));
  const leadsTo = exits.map((own) => [
    ...new Set(own.filter(isWritten).flatMap((exit) => served.rulesAt(addressOf(exit)))),
  ]);
  for (const [number, rule] of set.rules.entries()) {
    yield;
    for (const exit of exits[number] ?? []) {
      const why = isWritten(exit)
        ? backTo(number, served.rulesAt(addressOf(exit)), leadsTo, set)
        : backByTemplate(exit, rule.when, set);
      warn(context, exit, why);
    }
  }
  // Which numbers come to `otherwise` nobody has written down: only {to} is sure to be one of them.
  for (const exit of exitsOf(set, set.otherwise)) {
    if (!isWritten(exit)) warn(context, exit, backByTemplate(exit, { all: [] }, set));
  }
}

function warn(context: SetContext, { step, template }: Exit, why: string | null): void {
  const place = context.stepPlaces.get(step);
  if (why === null || place === undefined) return;
  context.problems.warning(
    place,
    `${step.do} to ${quoted(templateText(template))} leads back: ${why}`,
    'name another destination; each round is a new call and a billed move',
  );
}

function isWritten({ template }: Exit): boolean {
  return !hasPlaces(template);
}

function addressOf({ template }: Exit): string {
  return literalText(template);
}

function exitsOf(set: RouteSet, steps: readonly RouteStep[]): Exit[] {
  return everyStep(steps).flatMap((step) => {
    if (step.do !== 'refer' && step.do !== 'transfer') return [];
    return templatesOf(set, step.to).map((template) => ({ step, template }));
  });
}

function templatesOf(set: RouteSet, to: Destination): Exit['template'][] {
  if (to.kind === 'literal') return [to.template];
  const names = to.kind === 'target' ? [to.name] : to.weights.map(({ name }) => name);
  return names.flatMap((name) => {
    const sip = set.targets.get(name)?.sip;
    return sip === undefined ? [] : [sip];
  });
}

/** Through the rules that a call to the destination may meet, back to the rule itself. */
function backTo(
  own: number,
  reached: readonly number[],
  leadsTo: readonly number[][],
  set: RouteSet,
): string | null {
  if (reached.includes(own)) return 'this rule serves it';
  for (const first of reached) {
    const seen = new Set([first]);
    for (const rule of seen) for (const next of leadsTo[rule] ?? []) seen.add(next);
    if (seen.has(own)) {
      return `the rule ${quoted(set.rules[first]?.name ?? '')} serves it, and leads to this one again`;
    }
  }
  return null;
}

const SAMPLES_MAX = 20;

/**
 * `{to}` in a transfer, `sip:{to_user}@sip.telnyx.com`: tried with numbers that the rule serves.
 */
function backByTemplate(exit: Exit, when: Condition, set: RouteSet): string | null {
  for (const to of samplesOf(when, set)) {
    // What a table has is not looked at: only {to} is sure to lead back.
    const valueFor = valuesFor(factsOf('+14155550123', to), () => null);
    const filled = fillDestination(exit.template, valueFor);
    if ('text' in filled && loopReason(filled.text, to) !== null) {
      return 'it is the number that was called';
    }
  }
  return null;
}

function samplesOf(when: Condition, set: RouteSet): string[] {
  const values = toValues(when).flatMap((value) => {
    const table = tableName(value);
    if (table !== null) return set.tables.get(table)?.firstKeys(SAMPLES_MAX) ?? [];
    return value.startsWith('list:')
      ? (set.lists.get(value.slice('list:'.length))?.exact.slice(0, SAMPLES_MAX) ?? [])
      : [value];
  });
  const samples = values.slice(0, SAMPLES_MAX).map((value) => value.replace(/[*?]/g, '1'));
  return samples.length === 0 ? ['+14155550100', 'sip:1@sip.example.com'] : samples;
}

function toValues(when: Condition): string[] {
  if ('clause' in when) return when.clause.key === 'to' ? when.clause.values : [];
  if ('not' in when) return [];
  return ('all' in when ? when.all : when.any).flatMap(toValues);
}

/**
 * A country or a continent is not a company's own numbers: `+1*` with a transfer to a mobile is no
 * loop.
 */
const OWN_PREFIX_MIN = '+1415'.length;
/** Patterns compared with destinations: beyond it the rest is left unsaid. */
const COMPARED_MAX = 2_000_000;

/** Which rules ask for `to` in such a way that a written destination, called, may meet them. */
interface Served {
  rulesAt(destination: string): readonly number[];
}

function* servedOf(set: RouteSet, destinations: readonly string[]): Generator<void, Served> {
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
      // Behind a rule that takes every such call stand others in vain.
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

/** What the values of `to` clauses and lists hit of the destinations, each looked at once. */
class Hits {
  readonly #set: RouteSet;
  readonly #byKey: ReadonlyMap<string, string[]>;
  readonly #budget: StepBudget;
  /** Of values, and of lists. */
  readonly #known = new WeakMap<object, Set<string>>();

  constructor(set: RouteSet, byKey: ReadonlyMap<string, string[]>, budget: StepBudget) {
    this.#set = set;
    this.#byKey = byKey;
    this.#budget = budget;
  }

  /** What the `to` clauses of a condition hit; afterwards `any` knows them. */
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

  /** Asked the other way round: whether it has a destination, which are few. */
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
    for (const entries of [list.exact, list.prefixes, list.globs]) {
      for (const entry of entries) {
        yield;
        for (const destination of this.#value(entry)) hit.add(destination);
      }
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

/** Whether a condition holds for a call of which nothing is known but what its `to` clauses say. */
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
