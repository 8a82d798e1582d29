/** A report as CSV: one line per row, with the numbers of the previous period beside it. */
import type { Report } from '../../../core/history/report.ts';
import { CALLER_OUTCOMES } from '../../../core/machine/caller-outcome.ts';
import { type Column, csvText } from '../csv.ts';

export type ReportJson = ReturnType<Report['json']>;
type Row = ReportJson['rows'][number];
type Numbers = NonNullable<Row['before']>;

const NUMBERS: readonly Column<Numbers>[] = [
  { name: 'calls', value: ({ calls }) => calls },
  ...CALLER_OUTCOMES.map(
    (outcome): Column<Numbers> => ({ name: outcome, value: ({ outcomes }) => outcomes[outcome] }),
  ),
  { name: 'reached_rate', value: (numbers) => numbers.reached_rate },
  { name: 'attempts', value: ({ attempts }) => attempts },
  { name: 'moves', value: ({ moves }) => moves },
  { name: 'median_verdict_ms', value: (numbers) => numbers.median_verdict_ms },
  { name: 'p95_verdict_ms', value: (numbers) => numbers.p95_verdict_ms },
  {
    name: 'costs',
    value: ({ costs }) =>
      costs.map(({ amount, currency }) => `${amount} ${currency}`).join(' ') || null,
  },
];

const LABEL: Column<Row> = {
  name: 'label',
  value: ({ key, label }) => (key === null || label === key ? null : label),
};

export function reportCsv({ rows, by, compared_with: compared }: ReportJson): string {
  const earlier = NUMBERS.map(
    ({ name, value }): Column<Row> => ({
      name: `before_${name}`,
      value: ({ before }) => (before === null ? null : value(before)),
    }),
  );
  const columns: Column<Row>[] = [
    { name: by, value: ({ key, label }) => key ?? label },
    ...(by === 'number' || by === 'row' ? [LABEL] : []),
    ...NUMBERS,
    ...(compared === null ? [] : earlier),
  ];
  return csvText(columns, rows);
}
