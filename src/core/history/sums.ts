/**
 * What a call adds to the hourly sums, and how sums are added. The sums of an hour always belong to
 * the calls that started in it: if a call is corrected later, the difference is added.
 */

import { clean, cleanOrNull } from '../clean-text.ts';
import type { Attempt, Call } from '../machine/call.ts';
import { outcomeOfCall } from '../machine/caller-outcome.ts';
import { costTarget, costTotals } from '../machine/cost.ts';
import { neverAsked } from '../machine/counting.ts';
import { addDecimals } from '../machine/decimal.ts';
import { attemptEndedAt } from '../machine/heard-late.ts';
import { addLatencies, bucketOf, type Latencies } from './latencies.ts';

/** A name, or null: for a rule `otherwise` (or undecided), for a target a literal one. */
export type Name = string | null;

/**
 * The key is null if the table is looked up by the caller: sums are kept for longer than calls and
 * must not say who called when.
 */
export interface SummedRow {
  table: string;
  key: string | null;
}

/** What is summed separately. */
export interface SumKey {
  /** The hour in which the call started, milliseconds since the epoch. */
  hour: number;
  /** Our own number of the call, on either side of it. */
  number: Name;
  rule: Name;
  /** The table rows that decided. */
  rows: readonly SummedRow[];
  /** Undefined if there was no attempt. */
  target: Name | undefined;
  outcome: string;
  /** Only for attempts. */
  verdict: Name;
  /** Only for costs. */
  currency: Name;
}

export interface Sum extends SumKey {
  calls: number;
  attempts: number;
  /** REFERs and transfers that were sent. */
  moves: number;
  /** Decimal text. */
  amount: string;
  /** Time to the verdict. */
  took: Latencies;
}

export const HOUR_MS = 3_600_000;

/** Empty while the call is live, and for a B-leg, which is counted with its caller. */
export function sumsOf(call: Call): Sum[] {
  const outcome = outcomeOfCall(call);
  if (outcome === null) return [];
  const key = {
    hour: Math.floor(call.createdAt / HOUR_MS) * HOUR_MS,
    number: cleanOrNull(ourNumber(call)),
    rule: cleanOrNull(call.rule),
    rows: call.rows.map(({ table, key, of }) => ({
      table,
      key: of === 'to' ? clean(key) : null,
    })),
    outcome,
    verdict: null,
    currency: null,
  };
  const target = costTarget(call);
  const reached = target === undefined ? undefined : cleanOrNull(target);
  const none = { calls: 0, attempts: 0, moves: 0, amount: '0' };
  return addUp([
    { ...key, target: reached, ...none, calls: 1, took: {} },
    ...call.attempts.map((attempt) => ({ ...key, ...none, ...attemptSum(attempt) })),
    ...costTotals(call.costs).map(({ currency, amount }) => ({
      ...key,
      target: reached,
      ...none,
      currency,
      amount,
      took: {},
    })),
  ]);
}

function attemptSum(attempt: Attempt) {
  const { target, verdict, unsent, startedAt, acceptedAt } = attempt;
  const endedAt = attemptEndedAt(attempt);
  const isTimed = !unsent && endedAt !== null;
  const tookMs = isTimed ? Math.max(0, endedAt - (acceptedAt ?? startedAt)) : 0;
  const took: Latencies = isTimed ? { [bucketOf(Math.round(tookMs))]: 1 } : {};
  const wasTried = verdict !== 'skipped' && !neverAsked(attempt);
  const attempts = wasTried ? 1 : 0;
  return { target: cleanOrNull(target), verdict, attempts, moves: unsent ? 0 : 1, took };
}

function ourNumber({ facts: { direction, from, to } }: Call): Name {
  return direction === 'outgoing' ? from : to;
}

/** Merges rows with the same key and removes those that add up to nothing. */
export function addUp(rows: readonly Sum[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const key = sumKey(row);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...row, took: { ...row.took } });
    else addTo(sum, row, 1);
  }
  return [...sums.values()].filter((sum) => !isNothing(sum));
}

/** The rows that turn `before` into `after` when they are added. */
export function difference(before: readonly Sum[], after: readonly Sum[]): Sum[] {
  return addUp([...after, ...before.map(negative)]);
}

function negative(row: Sum): Sum {
  const sum = { ...row, calls: 0, attempts: 0, moves: 0, amount: '0', took: {} };
  addTo(sum, row, -1);
  return sum;
}

function addTo(sum: Sum, row: Sum, times: 1 | -1): void {
  sum.calls += times * row.calls;
  sum.attempts += times * row.attempts;
  sum.moves += times * row.moves;
  const { amount } = row;
  const taken = amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
  sum.amount = addDecimals(sum.amount, times === 1 ? amount : taken);
  addLatencies(sum.took, row.took, times);
}

function isNothing({ calls, attempts, moves, amount, took }: Sum): boolean {
  const counts = [calls, attempts, moves, ...Object.values(took)];
  return counts.every((count) => count === 0) && /^-?[0.]*$/.test(amount);
}

export function sumKey(key: SumKey): string {
  const { hour, number, rule, rows, target, outcome, verdict, currency } = key;
  return JSON.stringify([
    hour,
    number,
    rule,
    rowsText(rows),
    target === undefined ? 0 : target,
    outcome,
    verdict,
    currency,
  ]);
}

/** Empty where no table decided. */
export function rowsText(rows: readonly SummedRow[]): string {
  return rows.length === 0 ? '' : JSON.stringify(rows.map(({ table, key }) => [table, key]));
}

export function rowsOf(text: string): SummedRow[] {
  if (text === '') return [];
  return (JSON.parse(text) as [string, string | null][]).map(([table, key]) => ({ table, key }));
}
