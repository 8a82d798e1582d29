/**
 * Adds ended calls to the hourly sums. A call that ended, or changed after its end, waits in
 * `uncounted` under an item of its own. Whoever takes the item out adds, in the same transaction,
 * the difference between the call's sums now and its sums when it was last added, so nothing counts
 * twice.
 */

import { clean } from '../../core/clean-text.ts';
import {
  addUp,
  difference,
  type Name,
  rowsOf,
  rowsText,
  type Sum,
  sumsOf,
} from '../../core/history/sums.ts';
import type { Call } from '../../core/machine/call.ts';
import { idStart } from './search.ts';

export interface Unfolded {
  row: number;
  call: Call;
  /** The `folded.sums` that was written last; null the first time. */
  before: string | null;
}

export interface Folded {
  row: number;
  idStart: string;
  sums: string;
}

/** What to add to the hourly sums, what to remember of each call, and the parties of the calls. */
export function foldAll(unfolded: readonly Unfolded[]): {
  added: Sum[];
  folded: Folded[];
  parties: string[];
} {
  const added: Sum[] = [];
  const folded: Folded[] = [];
  const parties = new Set<string>();
  for (const { row, call, before } of unfolded) {
    const sums = sumsOf(call);
    const known = before === null ? [] : (JSON.parse(before) as Sum[]);
    added.push(...difference(known, sums));
    folded.push({ row, idStart: idStart(call.id), sums: JSON.stringify(sums) });
    for (const party of [call.facts.from, call.facts.to])
      if (party !== null) parties.add(clean(party));
  }
  return { added: addUp(added), folded, parties: [...parties].toSorted() };
}

/** A row of `sums`. The first character of a name says whether there is one. */
export interface SumRow {
  hour: number;
  number: string;
  rule: string;
  /** JSON of the tables' rows that decided. */
  table_rows: string;
  target: string;
  outcome: string;
  verdict: string;
  currency: string;
  calls: number;
  attempts: number;
  moves: number;
  amount: string;
  took: string;
}

export const SUM_KEYS = [
  'hour',
  'number',
  'rule',
  'table_rows',
  'target',
  'outcome',
  'verdict',
  'currency',
] as const;

export function sumRow(sum: Sum): SumRow {
  return {
    hour: sum.hour,
    number: nameText(sum.number),
    rule: nameText(sum.rule),
    table_rows: rowsText(sum.rows),
    target: nameText(sum.target),
    outcome: sum.outcome,
    verdict: sum.verdict ?? '',
    currency: sum.currency ?? '',
    calls: sum.calls,
    attempts: sum.attempts,
    moves: sum.moves,
    amount: sum.amount,
    took: JSON.stringify(sum.took),
  };
}

export function sumOf(row: SumRow): Sum {
  return {
    hour: Number(row.hour),
    number: nameOf(row.number) ?? null,
    rule: nameOf(row.rule) ?? null,
    rows: rowsOf(row.table_rows),
    target: nameOf(row.target),
    outcome: row.outcome,
    verdict: row.verdict === '' ? null : row.verdict,
    currency: row.currency === '' ? null : row.currency,
    calls: Number(row.calls),
    attempts: Number(row.attempts),
    moves: Number(row.moves),
    amount: row.amount,
    took: JSON.parse(row.took) as Sum['took'],
  };
}

function nameText(name: Name | undefined): string {
  if (name === undefined) return '-';
  return name === null ? '' : `=${name}`;
}

function nameOf(text: string): Name | undefined {
  if (text === '-') return undefined;
  return text === '' ? null : text.slice(1);
}
