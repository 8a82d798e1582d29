/**
 * The definition of which rule matches: the rules are tried in order, and the first that applies
 * wins. Decisions are made by `rule-index.ts`, which only tries rules that could apply. That is an
 * optimisation of this file, and a property test checks that both agree.
 */
import type { CallFacts } from '../machine/call.ts';
import type { Moment } from '../machine/plan.ts';
import { type Address, readPattern } from './addresses/address.ts';
import { atOnce } from './at-once.ts';
import { compileClause } from './clause/clause.ts';
import type { Overrides } from './override.ts';
import type { Clause, Condition, RouteSet, Rule } from './rule.ts';
import { indexRules, mentions } from './rule-index.ts';
import { Subject } from './subject.ts';
import { tableName } from './tables/table.ts';

/** The first rule that applies, whatever its handler would answer. */
export function firstMatch(
  set: RouteSet,
  facts: CallFacts,
  moment: Moment,
  overrides: Overrides,
): Rule | null {
  const index = atOnce(atOnce(indexRules([], set)).index());
  const subject = new Subject(facts, moment, overrides, index, set.lookups);
  return set.rules.find((rule) => applies(rule, set, subject)) ?? null;
}

function applies({ name, when }: Rule, set: RouteSet, subject: Subject): boolean {
  const { facts, moment } = subject;
  if (!mentions(when, 'event') && moment.event !== 'call.initiated') return false;
  if (!mentions(when, 'direction') && facts.direction !== 'incoming') return false;
  return holds(when);

  function holds(condition: Condition): boolean {
    if ('all' in condition) return condition.all.every(holds);
    if ('any' in condition) return condition.any.some(holds);
    if ('not' in condition) return !holds(condition.not);
    return clauseHolds(condition.clause);
  }

  function clauseHolds(clause: Clause): boolean {
    if (clause.key === 'from' || clause.key === 'to') {
      const address = subject[clause.key];
      return clause.values.some((value) =>
        entriesOf(value, set).some((one) => means(one, address)),
      );
    }
    const { schedules, switches, tables } = set;
    const around = { rule: name, schedules, switches, tables, addresses: NO_ADDRESSES };
    return compileClause(clause, around).holds(subject);
  }
}

/**
 * What a value of `from` or `to` stands for: itself, the entries of a list, or the keys of a table.
 */
function entriesOf(value: string, { lists, tables }: RouteSet): string[] {
  const table = tableName(value);
  if (table !== null) return [...(tables.get(table)?.keys() ?? [])];
  if (!value.startsWith('list:')) return [value];
  return [...(lists.get(value.slice('list:'.length))?.entries ?? [])];
}

function means(entry: string, { number, texts }: Address): boolean {
  const pattern = readPattern(entry);
  const numbers = number === null ? [] : [number];
  if (pattern.kind === 'exact') return [...numbers, ...texts].includes(pattern.key);
  const { glob, over } = pattern;
  const matches = (text: string) => glob.matches(text);
  return (over !== 'texts' && numbers.some(matches)) || (over !== 'numbers' && texts.some(matches));
}

const NO_ADDRESSES = { add: () => 0 };
