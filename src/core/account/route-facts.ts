/** What the checks need to know of a route set. */
import type { CallFacts } from '../machine/call.ts';
import { noFacts } from '../machine/new-call.ts';
import { readPattern } from '../rules/addresses/address.ts';
import { isE164 } from '../rules/addresses/sip-uri.ts';
import type { CompiledRoutes } from '../rules/compiled-routes.ts';
import { mayHold } from '../rules/may-hold.ts';
import {
  type Clause,
  type Condition,
  everyStep,
  type RouteSet,
  type RouteStep,
  type Rule,
  type Template,
} from '../rules/rule.ts';
import { mentions } from '../rules/rule-index.ts';
import { Subject } from '../rules/subject.ts';
import { resolveColumn } from '../rules/tables/found-rows.ts';
import { letsThrough, rowFilter } from '../rules/tables/row-filter.ts';
import { type Table, tableName } from '../rules/tables/table.ts';
import { hasPlaces, isOperators, literalText } from '../rules/texts/template.ts';

export interface RouteFacts {
  /**
   * Whether a rule, not only `otherwise`, could match a call to this number over this connection
   * from now on.
   */
  couldMatch(number: string, connectionId: string | null, now: number): boolean;
  /** Numbers that examples call. */
  inExamples: ReadonlySet<string>;
  /** Exact numbers of ours that a rule's `to` names, each with the first rule that does. */
  named: ReadonlyMap<string, string>;
  /** The first rule with a condition on attestation, also one under `not`. */
  attestationRule: string | null;
  /** Numbers that a step transfers to, each with the first rule that does. */
  transfers: ReadonlyMap<string, string>;
}

export function routeFacts(
  routes: CompiledRoutes,
  exampleNumbers: Iterable<string | null>,
): RouteFacts {
  const { set } = routes;
  const inExamples = new Set<string>();
  for (const number of exampleNumbers) {
    const key = number === null ? null : exactNumber(number);
    if (key !== null) inExamples.add(key);
  }
  return {
    couldMatch: (number, connectionId, now) => couldMatch(routes, { number, connectionId, now }),
    inExamples,
    named: namedNumbers(set),
    attestationRule: set.rules.find(({ when }) => mentions(when, 'attestation'))?.name ?? null,
    transfers: transferNumbers(set),
  };
}

function couldMatch(
  { rules, index }: CompiledRoutes,
  { number, connectionId, now }: { number: string; connectionId: string | null; now: number },
): boolean {
  const facts: CallFacts = { ...noFacts(''), direction: 'incoming', to: number, connectionId };
  const moment = { event: 'call.initiated' as const, at: now, digits: null };
  const subject = new Subject(facts, moment, {}, index);
  return rules.some(({ check }) => check.someCall(subject) >= 0);
}

/** A route set with more has a list that nobody wrote by hand. */
const NAMED_NUMBERS_MAX = 10_000;

function namedNumbers(set: RouteSet): Map<string, string> {
  const named = new Map<string, string>();
  for (const { name, when } of set.rules) {
    // The `to` of a call that we place is somebody else's number.
    if (mayHold(when, isIncoming) === false) continue;
    for (const clause of clausesOf(when)) {
      if (clause.key !== 'to') continue;
      for (const value of clause.values.flatMap((value) => entriesOf(value, set))) {
        const number = exactNumber(value);
        if (number === null || named.has(number)) continue;
        if (named.size >= NAMED_NUMBERS_MAX) return named;
        named.set(number, name);
      }
    }
  }
  return named;
}

function isIncoming(clause: Clause): boolean | null {
  return clause.key === 'direction' ? clause.values.includes('incoming') : null;
}

function entriesOf(value: string, set: RouteSet): readonly string[] {
  const table = set.tables.get(tableName(value) ?? '');
  if (table !== undefined) return table.rows > NAMED_NUMBERS_MAX ? [] : [...table.keys()];
  if (!value.startsWith('list:')) return [value];
  const entries = set.lists.get(value.slice('list:'.length))?.entries ?? [];
  return entries.length > NAMED_NUMBERS_MAX ? [] : [...entries];
}

function exactNumber(value: string): string | null {
  const pattern = readPattern(value);
  return pattern.kind === 'exact' && isE164(pattern.key) ? pattern.key : null;
}

/** Only what is asked for, not what is excluded: `not: { to: … }` names another's number. */
function clausesOf(condition: Condition): Clause[] {
  if ('clause' in condition) return [condition.clause];
  if ('not' in condition) return [];
  return ('all' in condition ? condition.all : condition.any).flatMap(clausesOf);
}

/** A plus sign and six digits, which tell Guernsey (+44 1481) from Great Britain. */
const BEGINNING_CHARS = 7;

function transferNumbers(set: RouteSet): Map<string, string> {
  const found = new Map<string, string>();
  const look = (rule: string, steps: readonly RouteStep[], asks: Rule | null): void => {
    for (const step of everyStep(steps)) {
      if (step.do !== 'transfer' || step.to.kind !== 'literal') continue;
      for (const number of numbersOf(step.to.template, asks, set)) {
        if (!found.has(number)) found.set(number, rule);
      }
    }
  };
  for (const rule of set.rules) {
    if ('steps' in rule.action) look(rule.name, rule.action.steps, rule);
  }
  look('otherwise', set.otherwise, null);
  look('last_resort', set.lastResort, null);
  return found;
}

/** The number that is written, or those that the rows of a table make of it. */
function numbersOf(template: Template, rule: Rule | null, set: RouteSet): string[] {
  if (!hasPlaces(template)) return [literalText(template)].filter(isE164);
  if (rule === null || !isOperators(template)) return [];
  return rule.tables.flat().flatMap((name) => {
    const table = set.tables.get(name);
    return table === undefined || table.rows > NAMED_NUMBERS_MAX
      ? []
      : numbersOfRows(template, rule, table, set);
  });
}

function numbersOfRows(template: Template, rule: Rule, table: Table, set: RouteSet): string[] {
  const filter = rowFilter(rule.when, table, set.tables);
  const columns = template.map((piece) => {
    const meant =
      'literal' in piece || piece.place !== 'row'
        ? null
        : resolveColumn(piece.column, rule.tables, set.tables);
    const own = meant !== null && !('problem' in meant) && meant.tables.includes(table.name);
    return own ? table.columns.indexOf(meant.column) : -1;
  });
  // One for each beginning is enough to know the countries, and quick for ten thousand rows.
  const byBeginning = new Map<string, string>();
  for (let row = 0; row < table.rows; row += 1) {
    const cells = table.cells(row);
    if (!letsThrough(filter, cells)) continue;
    const texts = template.map((piece, nth) =>
      'literal' in piece ? piece.literal : (cells[columns[nth] ?? -1] ?? ''),
    );
    const text = texts.join('').trim();
    const beginning = text.slice(0, BEGINNING_CHARS);
    if (isE164(text) && !byBeginning.has(beginning)) byBeginning.set(beginning, text);
  }
  return [...byBeginning.values()];
}
