/**
 * A route set that decides only for the comparison. Its handlers do not run, because a handler is
 * asked only once for each call: if the other set has the identical handler, its answer is used;
 * otherwise the decision is unknown.
 */
import type { CallFacts } from '../../core/machine/call.ts';
import type { Decision, Moment } from '../../core/machine/plan.ts';
import type { CompiledRoutes } from '../../core/rules/compiled-routes.ts';
import { decide } from '../../core/rules/decide.ts';
import type { Overrides } from '../../core/rules/override.ts';
import type { Rule, RunHandler } from '../../core/rules/rule.ts';

type Answer = ReturnType<RunHandler>;
type HandlerAction = Extract<Rule['action'], { handler: string }>;

/** What handlers answered, by the moment that they were asked about and by their content. */
const answers = new WeakMap<Moment, Map<string, Answer>>();
const noting = new WeakMap<CompiledRoutes, CompiledRoutes>();

/** The same set, but the answers of its handlers are recorded for the comparison. */
export function notingAnswers(routes: CompiledRoutes): CompiledRoutes {
  const known = noting.get(routes);
  if (known !== undefined) return known;
  const noted = withHandlers(routes, ({ run, key }) => {
    if (key === undefined) return run;
    return (facts, moment) => {
      const answer = run(facts, moment);
      const all = answers.get(moment) ?? new Map<string, Answer>();
      answers.set(moment, all.set(key, answer));
      return answer;
    };
  });
  noting.set(routes, noted);
  return noted;
}

/** Null if a handler would decide that was not asked. */
export function decideInShadow(
  routes: CompiledRoutes,
  facts: CallFacts,
  moment: Moment,
  overrides: Overrides,
): Decision | null {
  const shadow = shadowOf(routes);
  shadow.noted = answers.get(moment);
  shadow.unknown = false;
  const decision = decide(shadow.routes, facts, moment, overrides);
  return shadow.unknown ? null : decision;
}

interface Shadow {
  routes: CompiledRoutes;
  /** Answers for the decision that is being made. */
  noted: Map<string, Answer> | undefined;
  unknown: boolean;
}

const shadows = new WeakMap<CompiledRoutes, Shadow>();

function shadowOf(routes: CompiledRoutes): Shadow {
  const known = shadows.get(routes);
  if (known !== undefined) return known;
  const shadow: Shadow = { routes, noted: undefined, unknown: false };
  shadow.routes = withHandlers(routes, ({ key }) => () => {
    const answer = key === undefined ? undefined : shadow.noted?.get(key);
    if (answer !== undefined) return answer;
    shadow.unknown = true;
    // A rule that answers is the last one that is tried.
    return { steps: [] };
  });
  shadows.set(routes, shadow);
  return shadow;
}

function withHandlers(
  routes: CompiledRoutes,
  runOf: (action: HandlerAction) => RunHandler,
): CompiledRoutes {
  const { set } = routes;
  if (!set.rules.some(({ action }) => 'handler' in action)) return routes;
  const rules = set.rules.map((rule) =>
    'handler' in rule.action
      ? { ...rule, action: { ...rule.action, run: runOf(rule.action) } }
      : rule,
  );
  return { ...routes, set: { ...set, rules } };
}
