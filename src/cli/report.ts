/** `referee report`: the numbers of `GET /v1/reports`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  REPORT_BY,
  REPORT_COMPARE,
  type ReportGiven,
  reportAsked,
} from '../core/history/report-asked.ts';
import { isZone, offsetMs } from '../core/rules/schedules/zone.ts';
import { type ReportJson, reportCsv } from '../http/api/stats/reports-csv.ts';
import { sinceOf } from './options/since.ts';
import type { Documents } from './sources/documents.ts';
import { money, percent, showDocument } from './sources/show-document.ts';
import type { Io } from './terminal/io.ts';
import { momentAt } from './terminal/local-time.ts';
import { tableLines } from './terminal/table.ts';
import { plain } from './terminal/terminal.ts';

interface ReportOptions extends Omit<ReportGiven, 'from' | 'to' | 'compare'> {
  from?: number;
  to?: number;
  compare?: NonNullable<ReportGiven['compare']>;
  utc?: boolean;
  json?: boolean;
  csv?: boolean;
}

export function reportCommand(program: Command, io: Io): void {
  const written = 'ISO 8601 with its zone, or how long ago: 15m, 2h, 1d';
  program
    .command('report')
    .description('callers in numbers over days and weeks, from hourly sums kept for HISTORY_DAYS')
    .option('--from <time>', `${written} (default: a week before --to)`, sinceOf)
    .option('--to <time>', `${written} (default: now)`, sinceOf)
    .addOption(
      new Option('--by <what>', 'what each line is').choices([...REPORT_BY]).default('day'),
    )
    .addOption(
      new Option(
        '--compare <with>',
        'previous: the period of the same length just before; week: the same days a week earlier',
      ).choices([...REPORT_COMPARE]),
    )
    .addOption(
      new Option('--zone <zone>', 'IANA time zone of the days and times')
        .argParser(zoneOf)
        .default(localZone(), 'that of this terminal'),
    )
    .addOption(new Option('--utc', 'the same as --zone UTC').conflicts('zone'))
    .addOption(new Option('--json', 'JSON as the API returns it').conflicts('csv'))
    .addOption(new Option('--csv', 'CSV (RFC 4180)').conflicts('json'))
    .action(async (options: ReportOptions) => {
      process.exitCode = await runReport(options, io);
    });
}

async function runReport(options: ReportOptions, io: Io): Promise<number> {
  const { from = null, to = null, by, compare = null } = options;
  const zone = options.utc === true ? 'UTC' : options.zone;
  const given = { from, to, by, zone, compare };
  const asked = reportAsked(given, Date.now());
  if ('problem' in asked) {
    io.stderr.write(`referee report: --${asked.field}: ${asked.problem}\n`);
    return 2;
  }
  const read = (documents: Documents) => documents.report(given);
  return showDocument({ command: 'report', read, csv: reportCsv, text: reportText }, options, io);
}

function localZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return isZone(zone) ? zone : 'UTC';
}

function zoneOf(text: string): string {
  if (!isZone(text))
    throw new InvalidArgumentError('An IANA zone such as Europe/Berlin is expected.');
  return text;
}

type Numbers = NonNullable<ReportJson['rows'][number]['before']>;

function reportText(report: ReportJson, width: number | null): string {
  const { from, to, zone, compared_with: compared, total, rows, by } = report;
  const at = (iso: string) => timeIn(zone, iso);
  const head = [
    by.toUpperCase(),
    ...HEAD,
    ...(compared === null ? [] : ['CALLS BEFORE', 'REACHED BEFORE']),
  ];
  const lines = [...rows, { ...total, key: null, label: 'all' }].map(
    ({ key, label, before, ...numbers }) => [
      plain(nameOf(key, label, by === 'hour' ? at : null)),
      ...cells(numbers),
      ...(before === null ? [] : [String(before.calls), percent(before.reached_rate)]),
    ],
  );
  return [
    `From ${at(from)} to ${at(to)}; days of ${zone}`,
    ...(compared === null ? [] : [`Before: from ${at(compared.from)} to ${at(compared.to)}`]),
    '',
    ...tableLines([head, ...lines], { width, givenUp: GIVEN_UP, align: 'right' }),
  ].join('\n');
}

function nameOf(key: string | null, label: string, at: ((iso: string) => string) | null): string {
  if (key === null) return label;
  if (at !== null) return at(key);
  return key === label ? label : `${key} (${label})`;
}

function timeIn(zone: string, iso: string): string {
  const ms = Date.parse(iso);
  return momentAt(ms, offsetMs(zone, ms) / 60_000);
}

const HEAD = [
  'CALLS',
  'REACHED',
  'NOT REACHED',
  'GAVE UP',
  'UNSURE',
  'TURNED AWAY',
  'RATE',
  'MEDIAN',
  'P95',
  'MOVES SENT',
  'COST',
];

/** Columns that are dropped in a narrow terminal, in this order. */
const GIVEN_UP = [
  'MOVES SENT',
  'P95',
  'MEDIAN',
  'TURNED AWAY',
  'UNSURE',
  'GAVE UP',
  'COST',
  'REACHED BEFORE',
  'CALLS BEFORE',
  'NOT REACHED',
  'RATE',
];

function cells({ calls, outcomes, moves, costs, ...numbers }: Numbers): string[] {
  const { reached, not_reached: notReached, gave_up: gaveUp, unsure, turned_away: away } = outcomes;
  return [
    ...[calls, reached, notReached, gaveUp, unsure, away].map(String),
    percent(numbers.reached_rate),
    seconds(numbers.median_verdict_ms),
    seconds(numbers.p95_verdict_ms),
    String(moves),
    money(costs),
  ];
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1_000).toFixed(1)} s`;
}
