/**
 * Finds shadowed rules, which never run because an earlier rule matches all of their calls. Rules
 * are compared clause by clause: every reported rule is shadowed, but some may be missed.
 */

import type { Condition, RouteSet, Rule } from '../../core/rules/rule.ts';
import { mentions } from '../../core/rules/rule-index.ts';
import type { SetContext } from '../building/context.ts';
import { LIMITS } from '../limits.ts';
import type { Problems } from '../problem.ts';
import { EarlierRules } from './earlier-rules.ts';
import { Implication } from './implication.ts';
import { StepBudget } from './step-budget.ts';

/** Pairs compared between two yields. */
const COMPARED_A_TURN = 32;

/** Yields regularly, see slices.ts. */
export function* checkShadowed(
  { problems, rulePlaces }: SetContext,
  set: RouteSet,
): Generator<void, void> {
  const budget = new StepBudget(LIMITS.subsumptionWork);
  const implication = new Implication(set, budget);
  const broken = problems.problems.length === 0 ? new Set<Rule>() : withProblems(set, problems);
  const wholes = set.rules.map((rule) => whole(rule.when));
  const earlierRules = new EarlierRules(set);
  for (const [index, rule] of set.rules.entries()) {
    yield;
    const narrow = wholes[index] ?? { all: [] };
    const candidates = earlierRules.thatCouldTake(rule.when);
    earlierRules.add(index, rule.when);
    for (const before of candidates) {
      const earlier = set.rules[before];
      const wide = wholes[before];
      if (budget.spent) return;
      if (earlier === undefined || wide === undefined || 'handler' in earlier.action) continue;
      if (before % COMPARED_A_TURN === 0) yield;
      let implied = implication.implies(narrow, wide);
      for (let owed = implication.takeOwed(); owed !== null; owed = implication.takeOwed()) {
        yield* owed;
        implied = implication.implies(narrow, wide);
      }
      if (!implied) continue;
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

/** Adds the defaults of a rule that names neither direction nor event. */
function whole(when: Condition): Condition {
  const all = [when];
  if (!mentions(when, 'direction'))
    all.push({ clause: { key: 'direction', values: ['incoming'] } });
  if (!mentions(when, 'event')) all.push({ clause: { key: 'event', values: ['call.initiated'] } });
  return { all };
}

/**
 * Rules with problems: parts that could not be read are missing from their condition, so nothing
 * can be concluded.
 */
function withProblems(set: RouteSet, problems: Problems): Set<Rule> {
  const broken = new Set<Rule>();
  for (const [index, rule] of set.rules.entries()) {
    const next = set.rules[index + 1];
    const end = next?.file === rule.file ? next.line - 1 : Number.MAX_SAFE_INTEGER;
    if (problems.within(rule.file, rule.line, end)) broken.add(rule);
  }
  return broken;
}
