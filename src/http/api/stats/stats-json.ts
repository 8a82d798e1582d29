/** Statistics from groups of calls and attempts: rates, medians, sums by minute. */
import { rateOf } from '../../../core/history/rate.ts';
import { iso } from '../../../core/iso-time.ts';
import { PHASES } from '../../../core/machine/call.ts';
import { callerOutcome } from '../../../core/machine/caller-outcome.ts';
import { costTotals } from '../../../core/machine/cost.ts';
import { isJudged } from '../../../core/machine/verdict.ts';
import { arrival } from '../../../engine/receiving/tally.ts';
import type {
  Activity,
  AttemptGroup,
  CallGroup,
  CostGroup,
  RowGroup,
} from '../../../store/contract/activity.ts';

/** Only the rows that decided most calls, because a table may have a million rows. */
const ROWS_MAX = 100;

export function statsJson({ now, since, live, calls, attempts, costs, rows }: Activity) {
  return {
    now: iso(now),
    since: iso(since),
    live: {
      total: sum(live),
      // In the order of a call's life, because stores return groups in any order.
      by_phase: PHASES.flatMap((phase) => live.filter((group) => group.phase === phase)),
    },
    calls: {
      total: sum(calls),
      by_ends: counts(calls, ({ ends }) => ends).map(([ends, count]) => ({ ends, count })),
      by_outcome: byOutcome(calls),
      ...arrivals(calls),
      costs: costsJson(costs),
    },
    attempts: {
      total: tried(attempts),
      ...attemptNumbers(attempts),
    },
    rules: groupBy(calls, ({ rule }) => rule).map(([rule, own]) => ({
      rule,
      calls: sum(own),
      by_outcome: byOutcome(own),
      ...arrivals(own),
      ...attemptNumbers(attempts.filter((group) => group.rule === rule)),
      costs: costsJson(costs.filter((group) => group.rule === rule)),
    })),
    targets: groupBy(attempts, ({ target }) => target).map(([target, own]) => ({
      target,
      attempts: tried(own),
      ...attemptNumbers(own),
      costs: costsJson(costs.filter((group) => group.target === target)),
    })),
    tables: groupBy(rows, ({ table }) => table).map(([table, own]) => tableJson(table, own)),
    minutes: minutesJson(calls, attempts),
  };
}

/**
 * A rule finds each call in exactly one row, so the table's calls are the sum of its rows' calls.
 */
function tableJson(table: string, groups: RowGroup[]) {
  const rows = groupBy(groups, ({ key }) => key);
  const numbers = (own: RowGroup[]) => ({
    calls: sum(own),
    by_outcome: byOutcome(own),
    ...arrivals(own),
  });
  return {
    table,
    ...numbers(groups),
    rows_used: rows.length,
    rows: rows.slice(0, ROWS_MAX).map(([key, own]) => ({ key, ...numbers(own) })),
  };
}

/** Calls grouped by how they ended and by their number of attempts. */
type CallsGroup = Pick<CallGroup, 'ends' | 'attempts' | 'untried' | 'count'>;

function byOutcome(calls: CallsGroup[]) {
  return counts(calls, ({ ends, attempts }) => callerOutcome(ends, attempts)).map(
    ([outcome, count]) => ({ outcome, count }),
  );
}

/** Arrivals among the callers whom we tried to move, except those who hung up first. */
function arrivals(calls: CallsGroup[]) {
  const moved = calls.filter(({ attempts }) => attempts > 0);
  const judged = (as: 'yes' | 'no') =>
    sum(moved.filter(({ ends, attempts }) => arrival(ends, attempts) === as));
  const [arrived, notArrived] = [judged('yes'), judged('no')];
  const attempts = moved.reduce((total, group) => total + triedBy(group) * group.count, 0);
  return {
    moved: sum(moved),
    arrived,
    not_arrived: notArrived,
    arrival_rate: rateOf(arrived, arrived + notArrived),
    attempts_per_call: rateOf(attempts, sum(moved)),
  };
}

/** Attempts that called somebody. */
function triedBy({ attempts, untried = 0 }: CallsGroup): number {
  return attempts - untried;
}

/** A target that was skipped was not tried; only `by_verdict` says how often that was. */
function tried(attempts: AttemptGroup[]): number {
  return sum(attempts.filter(({ verdict }) => verdict !== 'skipped'));
}

function attemptNumbers(attempts: AttemptGroup[]) {
  const judged = attempts.filter(({ verdict }) => isJudged(verdict));
  const completed = judged.filter(({ verdict }) => verdict === 'completed');
  return {
    by_verdict: counts(attempts, ({ verdict }) => verdict).map(([verdict, count]) => ({
      verdict,
      count,
    })),
    success_rate: rateOf(sum(completed), sum(judged)),
    median_verdict_ms: median(attempts.flatMap(({ tookMs }) => tookMs)),
  };
}

/** Exact sums, one for each currency. */
function costsJson(costs: CostGroup[]) {
  const parts = costs.map(({ currency, amount }) => ({ currency, amount, part: '' }));
  return costTotals(parts).map(({ currency, amount }) => ({ currency, amount }));
}

function minutesJson(calls: CallGroup[], attempts: AttemptGroup[]) {
  const minutes = new Map<number, { calls: number; completed: number; failed: number }>();
  const at = (minute: number) => {
    const known = minutes.get(minute) ?? { calls: 0, completed: 0, failed: 0 };
    minutes.set(minute, known);
    return known;
  };
  for (const { minute, count } of calls) at(minute).calls += count;
  for (const group of attempts) {
    const { minute, verdict, count } = group;
    if (verdict === 'completed') at(minute).completed += count;
    else if (isJudged(group.verdict)) at(minute).failed += count;
  }
  return [...minutes]
    .toSorted(([a], [b]) => a - b)
    .map(([minute, own]) => ({ at: iso(minute), ...own }));
}

export function sum(groups: { count: number }[]): number {
  return groups.reduce((total, { count }) => total + count, 0);
}

function median(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

/** The most frequent first. */
export function counts<T extends { count: number }, K extends string | null>(
  groups: T[],
  keyOf: (group: T) => K,
) {
  return groupBy(groups, keyOf).map(([key, own]): [K, number] => [key, sum(own)]);
}

/** Largest first; ties are ordered by key, because stores return groups in any order. */
export function groupBy<T extends { count: number }, K extends string | null>(
  groups: T[],
  keyOf: (group: T) => K,
): [K, T[]][] {
  const found = Map.groupBy(groups, keyOf);
  return [...found].toSorted(
    ([a, own], [b, others]) => sum(others) - sum(own) || ((a ?? '') < (b ?? '') ? -1 : 1),
  );
}
