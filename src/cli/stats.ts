/** `referee stats`: the numbers of `GET /v1/stats`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted } from '../core/counted.ts';
import type { CallerOutcome } from '../core/machine/caller-outcome.ts';
import { statsCsv } from '../http/api/stats/stats-csv.ts';
import { HTTP_LIMITS } from '../http/limits.ts';
import { pastOf } from './options/since.ts';
import { UTC_OPTION } from './options/utc.ts';
import type { Documents, StatsDocument } from './sources/documents.ts';
import { money, percent, showDocument } from './sources/show-document.ts';
import type { Io } from './terminal/io.ts';
import { momentText } from './terminal/local-time.ts';
import { tableLines } from './terminal/table.ts';
import { plain } from './terminal/terminal.ts';

interface StatsOptions {
  since?: number;
  utc?: boolean;
  json?: boolean;
  csv?: boolean;
}

export function statsCommand(program: Command, io: Io): void {
  program
    .command('stats')
    .description('calls in numbers: who arrived, by rule, target and table row, and what it cost')
    .option(
      '--since <time>',
      'ISO 8601 with its zone, or how long ago, at most a day: 15m, 2h, 1d (default: an hour ago)',
      withinStats,
    )
    .option(...UTC_OPTION)
    .addOption(new Option('--json', 'JSON as the API returns it').conflicts('csv'))
    .addOption(new Option('--csv', 'a line for each rule, target and table row').conflicts('json'))
    .action(async (options: StatsOptions) => {
      process.exitCode = await runStats(options, io);
    });
}

/** The same limit for the database as a server has, so that both answer the same. */
function withinStats(text: string): number {
  const since = pastOf(text);
  const { statsSpanMaxMs, statsLatenessMs } = HTTP_LIMITS;
  if (since >= Date.now() - statsSpanMaxMs - statsLatenessMs) return since;
  throw new InvalidArgumentError(
    `Statistics cover the last ${statsSpanMaxMs / 3_600_000} hours; for longer: referee report --from ${plain(text)}.`,
  );
}

function runStats(options: StatsOptions, io: Io): Promise<number> {
  const read = (documents: Documents) => documents.stats(options.since ?? null);
  const text = (document: StatsDocument, width: number | null) =>
    statsText(document, width, options.utc === true);
  return showDocument({ command: 'stats', read, csv: statsCsv, text }, options, io);
}

function statsText(
  { since, live, calls, rules, targets, tables }: StatsDocument,
  width: number | null,
  utc: boolean,
): string {
  const look = { width, givenUp: ['COST', 'SUCCESS', 'ARRIVED'], align: 'left' as const };
  const { total, arrived, not_arrived: notArrived, arrival_rate: rate, costs } = calls;
  return [
    `Since ${momentText(Date.parse(since), utc)}: ${counted(total, 'call')}, ${live.total} live now`,
    `Arrived: ${arrived} of ${arrived + notArrived} (${percent(rate)})`,
    `Cost: ${money(costs)}`,
    '',
    ...tableLines(
      [
        ['RULE', 'CALLS', 'ARRIVED', 'COST'],
        ...rules.map((rule) => [
          plain(rule.rule ?? 'otherwise, or none'),
          String(rule.calls),
          percent(rule.arrival_rate),
          money(rule.costs),
        ]),
      ],
      look,
    ),
    '',
    ...tableLines(
      [
        ['TARGET', 'ATTEMPTS', 'SUCCESS', 'COST'],
        ...targets.map((target) => [
          plain(target.target ?? 'literal destination'),
          String(target.attempts),
          percent(target.success_rate),
          money(target.costs),
        ]),
      ],
      look,
    ),
    ...tables.flatMap((table) => ['', ...rowLines(table, width)]),
  ].join('\n');
}

const ROWS_SHOWN = 20;

/** Which rows of a table were used, and how those calls ended. */
function rowLines(
  { table, rows_used: used, rows, ...all }: StatsDocument['tables'][number],
  width: number | null,
): string[] {
  const line = (name: string, { calls, by_outcome: outcomes, ...numbers }: RowNumbers) => {
    const became = (outcome: CallerOutcome) =>
      String(outcomes.find((each) => each.outcome === outcome)?.count ?? 0);
    return [plain(name), String(calls), ...ROW_OUTCOMES.map(became), percent(numbers.arrival_rate)];
  };
  const shown = rows.slice(0, ROWS_SHOWN);
  const titles = [
    `ROW OF ${plain(table)}`,
    'CALLS',
    'REACHED',
    'NOT REACHED',
    'GAVE UP',
    'ARRIVED',
  ];
  const lines = tableLines(
    [titles, ...shown.map((row) => line(row.key, row)), line('all rows', all)],
    { width, givenUp: ['ARRIVED', 'GAVE UP', 'NOT REACHED', 'REACHED'], align: 'left' },
  );
  const more = used - shown.length;
  return more === 0
    ? lines
    : [...lines, `${more} more ${more === 1 ? 'row was' : 'rows were'} used`];
}

const ROW_OUTCOMES = ['reached', 'not_reached', 'gave_up'] as const;
type RowNumbers = Pick<StatsDocument['tables'][number], 'calls' | 'by_outcome' | 'arrival_rate'>;
