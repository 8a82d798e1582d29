/** Which lookups may have been asked before a rule is chosen: its callers wait for them. */
import type { Direction } from '../machine/call.ts';
import type { LookupRequest } from '../machine/command.ts';
import type { Moment } from '../machine/plan.ts';
import { isE164 } from '../rules/addresses/sip-uri.ts';
import { lookupsIn } from '../rules/lookup.ts';
import { mayHold } from '../rules/may-hold.ts';
import type { Clause, Condition, RouteSet, RouteStep, Rule } from '../rules/rule.ts';
import { EVENTS, eventsOf } from '../rules/rule-index.ts';
import { templateText } from '../rules/texts/template.ts';

export interface AskedBefore {
  requests: LookupRequest[];
  /** Lookups without whose answer the rule is not chosen. */
  answered: ReadonlySet<string>;
}

interface Chosen {
  event: Moment['event'];
  direction: Direction;
  steps: readonly RouteStep[];
  /** The placeholders in the steps have values. */
  usable: boolean;
}

/** `rule` null is `otherwise`. */
export function lookupsBefore(set: RouteSet, rule: Rule | null, chosen: Chosen): AskedBefore {
  if (set.lookups.size === 0) return { requests: [], answered: new Set() };
  const { event, direction, steps, usable } = chosen;
  const bit = 1 << EVENTS.indexOf(event);
  const names = new Set<string>();
  for (const each of set.rules) {
    const possible =
      (eventsOf(each.when) & bit) !== 0 && mayHold(each.when, isOf(direction)) !== false;
    if (possible && (rule === null || mayMeet(each.when, rule.when))) addNames(each.when, names);
    if (each === rule) break;
  }
  const sent = lookupsIn(steps, set);
  for (const name of sent) names.add(name);
  const needed = [...names].filter(
    (name) => rule !== null && mayHold(rule.when, withoutAnswer(name)) === false,
  );
  const requests = [...names].flatMap((name) => {
    const lookup = set.lookups.get(name);
    return lookup === undefined ? [] : [{ ...lookup, url: templateText(lookup.url) }];
  });
  return { requests, answered: new Set([...needed, ...(usable ? sent : [])]) };
}

/** What is known of a clause; null if it depends on the call. */
type Known = (clause: Clause) => boolean | null;

export function isOf(direction: Direction): Known {
  return (clause) => (clause.key === 'direction' ? clause.values.includes(direction) : null);
}

function withoutAnswer(lookup: string): Known {
  return (clause) => (clause.key === 'lookup' && clause.lookup === lookup ? false : null);
}

/** The lookups that a condition asks about. */
export function namedIn(condition: Condition): Set<string> {
  const names = new Set<string>();
  addNames(condition, names);
  return names;
}

function addNames(condition: Condition, names: Set<string>): void {
  if ('clause' in condition) {
    if (condition.clause.key === 'lookup') names.add(condition.clause.lookup);
  } else if ('not' in condition) addNames(condition.not, names);
  else for (const part of 'all' in condition ? condition.all : condition.any) addNames(part, names);
}

/** False only if no call can satisfy both, because they require different numbers. */
export function mayMeet(one: Condition, other: Condition): boolean {
  return (['from', 'to'] as const).every((field) => {
    const [wanted, got] = [numbersOf(one, field), numbersOf(other, field)];
    return wanted === null || got === null || wanted.some((number) => got.includes(number));
  });
}

/** The exact numbers that a condition requires; null if it accepts others too. */
function numbersOf(condition: Condition, field: 'from' | 'to'): readonly string[] | null {
  if (!('all' in condition)) return null;
  for (const part of condition.all) {
    if (!('clause' in part) || part.clause.key !== field) continue;
    return part.clause.values.every((value) => isE164(value)) ? part.clause.values : null;
  }
  return null;
}
