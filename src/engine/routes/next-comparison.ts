/**
 * Compares decisions of the set that was followed with what the other set would have decided, in
 * small slices of the event loop, and counts the differences.
 */
import type { CallFacts } from '../../core/machine/call.ts';
import type { Decision, Moment } from '../../core/machine/plan.ts';
import type { CompiledRoutes } from '../../core/rules/compiled-routes.ts';
import { outlineOf } from '../../core/rules/decision-outline.ts';
import type { Overrides } from '../../core/rules/override.ts';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import type { NextRoutes, Routes } from '../../routing/reload.ts';
import { NextDifferences } from './next-differences.ts';
import { decideInShadow } from './shadow-set.ts';

/** A decision, and everything it was made from. */
export interface Decided {
  facts: CallFacts;
  moment: Moment;
  overrides: Overrides;
  decision: Decision;
  live: CompiledRoutes;
  next: CompiledRoutes;
}

export interface NextComparison {
  /** Compares it soon. */
  add(decided: Decided): void;
  /** What was counted since either set last changed. */
  differences(): NextDifferences;
  /** Logs an error of the next set, the same one once. */
  failed(error: unknown): void;
  /** Resolves when everything added so far has been compared. */
  done(): Promise<void>;
}

export interface NextComparisonOptions {
  live: Pick<Routes, 'current'>;
  folder: NextRoutes;
  log: Log;
  metrics: Metrics;
  now: () => number;
}

/** Decisions that wait for their comparison. */
const WAITING_MAX = 1_000;
/** The longest slice of the event loop, and the pause after it: a tenth of the time is used. */
const SLICE_MS = 2;
const PAUSE_FACTOR = 9;

export function createNextComparison(options: NextComparisonOptions): NextComparison {
  const { live, folder, log, metrics, now } = options;
  let queue: Decided[] = [];
  let comparing = false;
  let idle: (() => void)[] = [];
  let between = setsOf(live.current(), folder.current());
  let differences = new NextDifferences(now());
  let failedWith: string | null = null;
  metrics.nextRoutes('same', 0);
  metrics.nextRoutes('differs', 0);

  return {
    add,
    differences() {
      renew();
      return differences;
    },
    failed,
    done: () =>
      new Promise((resolve) => {
        if (queue.length === 0) resolve();
        else idle.push(resolve);
      }),
  };

  function add(decided: Decided): void {
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

  function compare({ facts, moment, overrides, decision, live: current, next }: Decided): void {
    renew();
    // Decided before the last reload.
    if (between !== setsOf(current, next)) return;
    try {
      const isNext = decision.routeSet === next.set.hash && next.set.hash !== current.set.hash;
      const other = decideInShadow(isNext ? current : next, facts, moment, overrides);
      // It needs a lookup that the deciding set did not ask for.
      if (other === null || other.lookup !== undefined) {
        differences.notCompared += 1;
        return;
      }
      // Later events on which neither set decides are not worth counting.
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

  /** Counts belong to one pair of sets, so they start again when either changes. */
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
