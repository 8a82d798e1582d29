/** A route set made ready for decisions: its conditions compiled, its rules indexed. */
import { atOnce } from './at-once.ts';
import { compileCondition } from './match.ts';
import type { RouteSet } from './rule.ts';
import { eventsOf, indexRules, mentions, type RuleIndex } from './rule-index.ts';
import type { AllowPattern } from './targets/allow.ts';
import { allowPatterns } from './targets/target.ts';
import type { CompiledRule } from './trace.ts';

export interface CompiledRoutes {
  set: RouteSet;
  rules: CompiledRule[];
  incomingOnly: Uint8Array;
  index: RuleIndex;
  allow: AllowPattern[];
}

export function compileRouteSet(set: RouteSet): CompiledRoutes {
  return atOnce(compileInSlices(set));
}

/** Runs once for each set that is loaded; yields where it may be interrupted. */
export function* compileInSlices(set: RouteSet): Generator<void, CompiledRoutes> {
  const { clauses, index } = yield* indexRules(set.rules, set);
  const { schedules, switches, tables } = set;
  const rules: CompiledRule[] = [];
  for (const { name, when } of set.rules) {
    yield;
    const around = { rule: name, schedules, switches, tables, addresses: clauses };
    rules.push({ name, check: compileCondition(when, around), events: eventsOf(when) });
  }
  return {
    set,
    rules,
    incomingOnly: Uint8Array.from(set.rules, ({ when }) => (mentions(when, 'direction') ? 0 : 1)),
    index: yield* index(),
    allow: allowPatterns(set.policy),
  };
}
