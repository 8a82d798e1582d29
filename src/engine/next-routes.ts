/**
 * The next route set: a second folder (ROUTES_NEXT_DIR) that decides on every call as well. What it
 * would do differently is counted, and a share of the callers may really follow it.
 *
 * Nothing of it may delay or break a call: the comparison comes after the commit, in small slices
 * of the event loop, never runs a handler, and an error of the next set leaves the live one's
 * decision.
 */
import type { CallFacts } from '../core/machine/call.ts';
import type { Decision, Moment } from '../core/machine/plan.ts';
import { type CompiledRoutes, decide } from '../core/rules/decide.ts';
import { outlineOf } from '../core/rules/decision-outline.ts';
import { followsNext } from '../core/rules/next-share.ts';
import type { Overrides } from '../core/rules/override.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics.ts';
import type { Problem } from '../routing/problem.ts';
import type { NextRoutes, Routes } from '../routing/reload.ts';
import type { Observer } from './engine.ts';
import { type NextChange, NextDifferences } from './next-differences.ts';
import { decideInShadow, notingAnswers } from './shadow-set.ts';

export interface NextReport {
  /** Null until the folder is good for the first time. */
  hash: string | null;
  percent: number;
  /** Decisions that both sets made in this process since `since`: the last change of either. */
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
  /** Instead of the live set's decision alone. `routeSet`: what the call follows already. */
  decide(facts: CallFacts, moment: Moment, overrides: Overrides, routeSet: string | null): Decision;
  /** Learns what was committed: only that is compared. */
  observer: Pick<Observer, 'committed'>;
  report(): NextReport;
  /** Resolves when everything committed so far has been compared. */
  compared(): Promise<void>;
}

export interface NextSetOptions {
  live: Pick<Routes, 'current'>;
  folder: NextRoutes;
  percent: number;
  log: Log;
  metrics: Metrics;
  now: () => number;
}

/** Decisions that wait for their commit or their comparison. */
const WAITING_MAX = 1_000;
/** The event loop is held for so long at most, and for a tenth of the time. */
const SLICE_MS = 2;
const PAUSE_FACTOR = 9;

interface Waiting {
  facts: CallFacts;
  moment: Moment;
  overrides: Overrides;
  decision: Decision;
  live: CompiledRoutes;
  next: CompiledRoutes;
}

export function createNextSet(options: NextSetOptions): NextSet {
  const { live, folder, percent, log, metrics, now } = options;
  /** By call: decided, and not committed yet. */
  const undecided = new Map<string, Waiting[]>();
  let queue: Waiting[] = [];
  let comparing = false;
  let idle: (() => void)[] = [];
  let between = setsOf(live.current(), folder.current());
  let differences = new NextDifferences(now());
  let failedWith: string | null = null;
  metrics.nextRoutes('same', 0);
  metrics.nextRoutes('differs', 0);

  return {
    folder,
    percent,
    decide(facts, moment, overrides, routeSet) {
      const sets = { live: live.current(), next: folder.current() };
      if (sets.next === null) return decide(sets.live, facts, moment, overrides);
      const followed = follows(facts, routeSet, sets.live, sets.next) ? sets.next : sets.live;
      const decision = decideBy(followed, sets.live, facts, moment, overrides);
      // Nothing is decided yet where a lookup is asked first.
      if (decision.lookup === undefined) {
        remember({ facts, moment, overrides, decision, live: sets.live, next: sets.next });
      }
      return decision;
    },
    observer: {
      committed(_event, _before, call) {
        const decided = undecided.get(call.id);
        if (decided === undefined) return;
        undecided.delete(call.id);
        for (const each of decided) compareLater(each);
      },
    },
    report() {
      renew();
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
    compared: () =>
      new Promise((resolve) => {
        if (queue.length === 0) resolve();
        else idle.push(resolve);
      }),
  };

  /** The set that decided before, as long as it is there; otherwise the caller's share says. */
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
        failed(error);
      }
    }
    return decide(notingAnswers(current), facts, moment, overrides);
  }

  /** A lost race decides again, and the later decision counts. */
  function remember(decided: Waiting): void {
    const { callId } = decided.facts;
    const others = (undecided.get(callId) ?? []).filter(
      ({ moment }) => moment.event !== decided.moment.event,
    );
    undecided.delete(callId);
    undecided.set(callId, [...others, decided]);
    const oldest = undecided.keys().next();
    // It was never committed: refused, or a dead letter.
    if (undecided.size > WAITING_MAX && !oldest.done) undecided.delete(oldest.value);
  }

  function compareLater(decided: Waiting): void {
    if (queue.length >= WAITING_MAX) {
      differences.notCompared += 1;
      return;
    }
    queue.push(decided);
    if (!comparing) setTimeout(slice, 0).unref();
    comparing = true;
  }

  function slice(): void {
    const startedAt = performance.now();
    let done = 0;
    for (const decided of queue) {
      compare(decided);
      done += 1;
      if (performance.now() - startedAt > SLICE_MS) break;
    }
    queue = queue.slice(done);
    const pauseMs = (performance.now() - startedAt) * PAUSE_FACTOR;
    comparing = queue.length > 0;
    if (comparing) {
      setTimeout(slice, pauseMs).unref();
      return;
    }
    for (const resolve of idle) resolve();
    idle = [];
  }

  function compare({ facts, moment, overrides, decision, live: current, next }: Waiting): void {
    renew();
    // Decided before the last reload.
    if (between !== setsOf(current, next)) return;
    try {
      const isNext = decision.routeSet === next.set.hash && next.set.hash !== current.set.hash;
      const other = decideInShadow(isNext ? current : next, facts, moment, overrides);
      // It needs an answer that the deciding set did not ask for.
      if (other === null || other.lookup !== undefined) {
        differences.notCompared += 1;
        return;
      }
      // A later event on which neither decides is nothing to count.
      const nothing = decision.plan === null && other.plan === null;
      if (nothing && moment.event !== 'call.initiated') return;
      const [before, after] = isNext ? [other, decision] : [decision, other];
      count(facts.callId, before, after);
    } catch (error) {
      differences.notCompared += 1;
      failed(error);
    }
  }

  function count(callId: string, before: Decision, after: Decision): void {
    const [one, other] = [outlineOf(before), outlineOf(after)];
    metrics.nextRoutes(one.text === other.text ? 'same' : 'differs', 1);
    const line = differences.add(callId, one, other, now());
    if (line === null) return;
    log.emit('routes.next_differs', {
      call_control_id: callId,
      before: line.before,
      after: line.after,
      count: line.calls,
      route_set: before.routeSet,
      next: after.routeSet,
    });
  }

  /** Counts are of two certain sets. */
  function renew(): void {
    const sets = setsOf(live.current(), folder.current());
    if (sets !== between) differences = new NextDifferences(now());
    between = sets;
  }

  function failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === failedWith) return;
    failedWith = message;
    log.emit('routes.next_failed', { err: error });
  }
}

function setsOf(live: CompiledRoutes, next: CompiledRoutes | null): string {
  return `${live.set.hash} ${next?.set.hash}`;
}
