/** What a set would do with a call that somebody asks about; the same as `referee route` plays. */
import { simulate } from '../../core/dry-run/simulate.ts';
import type { CallFacts, Verdict } from '../../core/machine/call.ts';
import type { TraceLine } from '../../core/machine/plan.ts';
import type { CompiledRoutes } from '../../core/rules/compiled-routes.ts';
import { type Overrides, withSwitches } from '../../core/rules/override.ts';
import type { RestState } from '../../core/rules/rest.ts';
import { askedNumber } from '../../routing/numbers/national.ts';

export interface ExplainQuestion {
  facts: CallFacts;
  /** Milliseconds since the epoch. */
  at: number;
  /** Scripted verdicts by target; several for repeated attempts. */
  verdicts: Record<string, Verdict[]>;
  /** What the caller presses, in each menu. */
  digits: string[];
  hangupAfter: string | null;
  /** As if these were on or off. */
  switches?: Record<string, boolean>;
  /** What lookups answer, by name; no request is sent. */
  lookups: Record<string, Record<string, string>>;
}

/** The same as `referee route --json` prints; `reason` is there if the target was skipped. */
export interface Explanation {
  rule: string | null;
  path: string[];
  attempts: { target: string | null; sip_address: string; verdict: string; reason?: string }[];
  ends: string | null;
  trace: TraceLine[];
}

/** What the store holds that decides calls besides the routes. */
export interface StateOfStore {
  overrides: Overrides;
  rest: RestState;
}

export function explain(
  routes: CompiledRoutes,
  question: ExplainQuestion,
  { overrides, rest }: StateOfStore,
): Explanation {
  const { country } = routes.set.policy;
  const meant = (party: string | null) => (party === null ? null : askedNumber(party, country));
  const { facts, switches = {}, ...script } = question;
  const { rule, path, attempts, ends, trace } = simulate(routes, {
    ...script,
    facts: { ...facts, from: meant(facts.from), to: meant(facts.to) },
    overrides: withSwitches(overrides, switches),
    rest,
    unscripted: 'completed',
    fullTrace: true,
  });
  return { rule, path, attempts, ends, trace };
}
