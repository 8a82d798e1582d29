/** The statistics as CSV: one line for each rule, target, table and table row. */
import { type Cell, type Column, csvText } from '../csv.ts';
import type { statsJson } from './stats-json.ts';

type Stats = ReturnType<typeof statsJson>;

interface Line {
  of: 'rule' | 'target' | 'table' | 'row';
  name: string | null;
  calls: number | null;
  attempts: number | null;
  numbers: Pick<Stats['rules'][number], 'success_rate' | 'median_verdict_ms' | 'costs'> | null;
  arrivalRate: number | null;
}

const money = (costs: { amount: string; currency: string }[]): Cell =>
  costs.length === 0
    ? null
    : costs.map(({ amount, currency }) => `${amount} ${currency}`).join(' ');

const COLUMNS: readonly Column<Line>[] = [
  { name: 'of', value: (line) => line.of },
  { name: 'name', value: (line) => line.name },
  { name: 'calls', value: (line) => line.calls },
  { name: 'arrival_rate', value: (line) => line.arrivalRate },
  { name: 'attempts', value: (line) => line.attempts },
  { name: 'success_rate', value: ({ numbers }) => numbers?.success_rate ?? null },
  { name: 'median_verdict_ms', value: ({ numbers }) => numbers?.median_verdict_ms ?? null },
  { name: 'costs', value: ({ numbers }) => (numbers === null ? null : money(numbers.costs)) },
];

export function statsCsv({ rules, targets, tables }: Stats): string {
  return csvText(COLUMNS, [
    ...rules.map(
      (rule): Line => ({
        of: 'rule',
        name: rule.rule,
        calls: rule.calls,
        attempts: null,
        numbers: rule,
        arrivalRate: rule.arrival_rate,
      }),
    ),
    ...targets.map(
      (target): Line => ({
        of: 'target',
        name: target.target,
        calls: null,
        attempts: target.attempts,
        numbers: target,
        arrivalRate: null,
      }),
    ),
    ...tables.flatMap((table) => [
      tableLine('table', table.table, table),
      ...table.rows.map((row) => tableLine('row', `${table.table}:${row.key}`, row)),
    ]),
  ]);
}

function tableLine(
  of: 'table' | 'row',
  name: string,
  { calls, arrival_rate: arrivalRate }: Pick<Stats['tables'][number], 'calls' | 'arrival_rate'>,
): Line {
  return { of, name, calls, attempts: null, numbers: null, arrivalRate };
}
