/** What a set would do with a call that somebody asks about; the same as `referee route` plays. */
import { type Played, simulate } from '../../core/dry-run/simulate.ts';
import type { CallFacts, Verdict } from '../../core/machine/call.ts';
import { isAnonymous, readAddress } from '../../core/rules/addresses/address.ts';
import type { CompiledRoutes } from '../../core/rules/compiled-routes.ts';
import { followsNext } from '../../core/rules/next-share.ts';
import { type Overrides, withSwitches } from '../../core/rules/override.ts';
import type { BudgetsUsed } from '../../core/rules/targets/budget.ts';
import type { RestState } from '../../core/rules/targets/rest.ts';
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

/**
 * What `referee route --json` prints; `reason` is there if nothing would be sent to the target.
 */
export interface Explanation extends Pick<Played, 'rule' | 'path' | 'attempts' | 'ends' | 'trace'> {
  /** There if calls of this caller follow the next routes, not those that were asked. */
  follows_next?: true;
}

/** What decides calls besides the live routes: what the store holds, and the next routes. */
export interface StateNow {
  overrides: Overrides;
  rest: RestState;
  /** Moves of the hour before the time that is asked about; null: not counted. */
  used: BudgetsUsed | null;
  /** Of the callers, how many follow the next routes, in percent. */
  nextShare: number;
}

export function explain(
  routes: CompiledRoutes,
  question: ExplainQuestion,
  { overrides, rest, used, nextShare }: StateNow,
): Explanation {
  const { facts, switches = {}, ...script } = question;
  const asked = { ...facts, from: partyOf(facts.from, routes), to: partyOf(facts.to, routes) };
  const { rule, path, attempts, ends, trace } = simulate(routes, {
    ...script,
    facts: asked,
    overrides: withSwitches(overrides, switches),
    rest,
    used,
    unscripted: 'completed',
    fullTrace: true,
  });
  // Of an anonymous caller each call may follow others.
  const next = !isAnonymous(readAddress(asked.from)) && followsNext(asked, nextShare);
  return { rule, path, attempts, ends, trace, ...(next ? { follows_next: true } : {}) };
}

/** A number as Telnyx would send it: people type national ones too. */
export function partyOf(asked: string | null, { set }: Pick<CompiledRoutes, 'set'>): string | null {
  return asked === null ? null : askedNumber(asked, set.policy.country);
}
