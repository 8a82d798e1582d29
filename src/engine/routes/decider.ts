/** Decides calls by the live set, or by it and the next one. */
import { decide } from '../../core/rules/decide.ts';
import { mayRest } from '../../core/rules/targets/rest.ts';
import type { Routes } from '../../routing/reload.ts';
import type { Decider } from '../engine.ts';
import type { NextSet } from './next-routes.ts';

export function createDecider(routes: Routes, next: NextSet | null = null): Decider {
  return {
    decide: (facts, moment, overrides, routeSet) =>
      next === null
        ? decide(routes.current(), facts, moment, overrides)
        : next.decide(facts, moment, overrides, routeSet),
    // Budgets are shared by all callers, so the live set's hold for those of the next one too.
    budgets() {
      const { refers, transfers } = routes.current().set.policy;
      return { refers, transfers };
    },
    rests: (name) => mayRest(routes.current().set, name),
  };
}
