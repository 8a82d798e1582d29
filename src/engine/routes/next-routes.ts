/**
 * The next route set: a second folder (ROUTES_NEXT_DIR) that is also evaluated for every call. What
 * it would decide differently is counted, and a share of the callers may really follow it.
 *
 * It must never delay or break a call: the comparison happens after the commit, in small slices of
 * the event loop, and never runs a handler; an error of the next set leaves the live set's decision
 * in force.
 */
import type { CallFacts } from '../../core/machine/call.ts';
import type { Decision, Moment } from '../../core/machine/plan.ts';
import type { CompiledRoutes } from '../../core/rules/compiled-routes.ts';
import { decide } from '../../core/rules/decide.ts';
import { followsNext } from '../../core/rules/next-share.ts';
import type { Overrides } from '../../core/rules/override.ts';
import type { Problem } from '../../routing/problem.ts';
import type { NextRoutes } from '../../routing/reload.ts';
import type { Observer } from '../engine.ts';
import {
  createNextComparison,
  type Decided,
  type NextComparisonOptions,
} from './next-comparison.ts';
import type { NextChange } from './next-differences.ts';
import { notingAnswers } from './shadow-set.ts';

export interface NextReport {
  /** Null until the folder was valid for the first time. */
  hash: string | null;
  percent: number;
  /** Decisions that this process has compared since `since`, when either set last changed. */
  decided: number;
  differs: number;
  /** A handler would decide, the next set failed, or there were too many calls. */
  notCompared: number;
  since: number;
  changes: NextChange[];
  refusal: { at: number; problems: Problem[] } | null;
}

export interface NextSet {
  readonly folder: NextRoutes;
  readonly percent: number;
  /**
   * Replaces a decision by the live set alone. `routeSet`: the set that already decided on this
   * call.
   */
  decide(facts: CallFacts, moment: Moment, overrides: Overrides, routeSet: string | null): Decision;
  /** Only committed decisions are compared. */
  observer: Pick<Observer, 'committed'>;
  report(): NextReport;
  /** Resolves when everything committed so far has been compared. */
  compared(): Promise<void>;
}

export interface NextSetOptions extends NextComparisonOptions {
  percent: number;
}

/** Decisions that wait for their commit. */
const UNCOMMITTED_MAX = 1_000;

export function createNextSet(options: NextSetOptions): NextSet {
  const { live, folder, percent } = options;
  /** By call: decided, and not committed yet. */
  const uncommitted = new Map<string, Decided[]>();
  const comparison = createNextComparison(options);

  return {
    folder,
    percent,
    decide(facts, moment, overrides, routeSet) {
      const sets = { live: live.current(), next: folder.current() };
      if (sets.next === null) return decide(sets.live, facts, moment, overrides);
      const followed = follows(facts, routeSet, sets.live, sets.next) ? sets.next : sets.live;
      const decision = decideBy(followed, sets.live, facts, moment, overrides);
      // Nothing is decided yet if a lookup must be asked first.
      if (decision.lookup === undefined) {
        remember({ facts, moment, overrides, decision, live: sets.live, next: sets.next });
      }
      return decision;
    },
    observer: {
      committed(_event, _before, call) {
        const decided = uncommitted.get(call.id);
        if (decided === undefined) return;
        uncommitted.delete(call.id);
        for (const each of decided) comparison.add(each);
      },
    },
    report() {
      const differences = comparison.differences();
      const { decided, differs, notCompared, since } = differences;
      return {
        hash: folder.current()?.set.hash ?? null,
        percent,
        decided,
        differs,
        notCompared,
        since,
        changes: differences.changes(),
        refusal: folder.refusal(),
      };
    },
    compared: comparison.done,
  };

  /**
   * The set that decided on this call before, if it is still loaded; otherwise the caller's share
   * decides.
   */
  function follows(
    facts: CallFacts,
    routeSet: string | null,
    { set }: CompiledRoutes,
    next: CompiledRoutes,
  ): boolean {
    if (routeSet === set.hash) return false;
    return routeSet === next.set.hash || followsNext(facts, percent);
  }

  function decideBy(
    followed: CompiledRoutes,
    current: CompiledRoutes,
    facts: CallFacts,
    moment: Moment,
    overrides: Overrides,
  ): Decision {
    if (followed !== current) {
      try {
        return decide(notingAnswers(followed), facts, moment, overrides);
      } catch (error) {
        comparison.failed(error);
      }
    }
    return decide(notingAnswers(current), facts, moment, overrides);
  }

  /** After a lost race the event is decided again, and the later decision counts. */
  function remember(decided: Decided): void {
    const { callId } = decided.facts;
    const others = (uncommitted.get(callId) ?? []).filter(
      ({ moment }) => moment.event !== decided.moment.event,
    );
    uncommitted.delete(callId);
    uncommitted.set(callId, [...others, decided]);
    const oldest = uncommitted.keys().next();
    // The oldest was never committed: it was refused, or became a dead letter.
    if (uncommitted.size > UNCOMMITTED_MAX && !oldest.done) uncommitted.delete(oldest.value);
  }
}
