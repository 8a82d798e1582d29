/**
 * Finds steps that lead back to a number or address that their own rule serves, directly or through
 * other rules. Each round is a new, billed call. Loops through other systems cannot be found here;
 * budgets limit them.
 */
import { firstOf } from '../../core/rules/addresses/packed-texts.ts';
import {
  type Condition,
  type Destination,
  everyStep,
  type RouteSet,
  type RouteStep,
  targetsOf,
} from '../../core/rules/rule.ts';
import { tableName } from '../../core/rules/tables/table.ts';
import { loopReason } from '../../core/rules/targets/loop.ts';
import { valuesFor } from '../../core/rules/texts/placeholder.ts';
import {
  fillDestination,
  hasPlaces,
  literalText,
  templateText,
} from '../../core/rules/texts/template.ts';
import type { SetContext } from '../building/context.ts';
import { factsOf } from '../expected/example.ts';
import { quoted } from '../numbers/number.ts';
import { servedOf } from './served.ts';

type Moving = Extract<RouteStep, { do: 'refer' | 'transfer' }>;

/** A destination that one step may move the caller to. */
interface Exit {
  step: Moving;
  template: Extract<Destination, { kind: 'literal' }>['template'];
}

/** Yields regularly, see slices.ts. */
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
  // It is not known which numbers reach `otherwise`; only {to} is certainly one of them.
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
  return targetsOf(to).flatMap((name) => {
    const sip = set.targets.get(name)?.sip;
    return sip === undefined ? [] : [sip];
  });
}

/** Searches from the rules that a call to the destination may match, back to the rule itself. */
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
 * `{to}` in a transfer, `sip:{to_user}@sip.telnyx.com`: tested with numbers that the rule serves.
 */
function backByTemplate(exit: Exit, when: Condition, set: RouteSet): string | null {
  for (const to of samplesOf(when, set)) {
    // Table values are not looked at; only {to} is certain to lead back.
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
    if (table !== null) return firstOf(set.tables.get(table)?.keys() ?? [], SAMPLES_MAX);
    if (!value.startsWith('list:')) return [value];
    return firstOf(set.lists.get(value.slice('list:'.length))?.entries ?? [], SAMPLES_MAX);
  });
  const samples = values.slice(0, SAMPLES_MAX).map((value) => value.replace(/[*?]/g, '1'));
  return samples.length === 0 ? ['+14155550100', 'sip:1@sip.example.com'] : samples;
}

function toValues(when: Condition): string[] {
  if ('clause' in when) return when.clause.key === 'to' ? when.clause.values : [];
  if ('not' in when) return [];
  return ('all' in when ? when.all : when.any).flatMap(toValues);
}
