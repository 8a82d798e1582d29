/** `referee stats`: the numbers of `GET /v1/stats`, from the store itself. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BadValue, parseDatabaseUrl } from '../config/values.ts';
import { RefereeError } from '../errors.ts';
import { statsCsv } from '../http/api/stats-csv.ts';
import { statsJson } from '../http/api/stats-json.ts';
import { HTTP_LIMITS } from '../http/limits.ts';
import { openReader } from '../store/reader.ts';
import { sinceOf } from './calls.ts';
import { databaseUrl } from './database.ts';
import { type Io, jsonText } from './io.ts';
import { plain } from './routes-folder.ts';

type Stats = ReturnType<typeof statsJson>;

export interface StatsOptions {
  since?: number;
  json?: boolean;
  csv?: boolean;
}

export function statsCommand(program: Command, io: Io): void {
  program
    .command('stats')
    .description('calls in numbers: who arrived, by rule and target, and what it cost')
    .option(
      '--since <time>',
      'ISO 8601 with its zone, or how long ago: 15m, 2h, 1d (default: an hour ago)',
      pastOf,
    )
    .addOption(new Option('--json', 'as the API answers it').conflicts('csv'))
    .addOption(new Option('--csv', 'a line for each rule and target').conflicts('json'))
    .action(async (options: StatsOptions) => {
      process.exitCode = await runStats(options, io);
    });
}

export async function runStats(options: StatsOptions, io: Io): Promise<number> {
  try {
    const reader = await openReader(parseDatabaseUrl(databaseUrl(io)));
    try {
      const since = options.since ?? Date.now() - HTTP_LIMITS.statsSpanMs;
      const stats = statsJson(await reader.activity(since, HTTP_LIMITS.statsCallsMax));
      if (options.csv) io.stdout.write(statsCsv(stats));
      else io.stdout.write(`${options.json ? jsonText(stats) : statsText(stats)}\n`);
      return 0;
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (!(error instanceof RefereeError || error instanceof BadValue)) throw error;
    const where = error instanceof BadValue ? 'DATABASE_URL: ' : '';
    io.stderr.write(`referee stats: ${where}${error.message}\n`);
    return 1;
  }
}

function pastOf(text: string): number {
  const since = sinceOf(text);
  if (since > Date.now()) throw new InvalidArgumentError('It lies in the future.');
  return since;
}

function statsText({ since, live, calls, rules, targets }: Stats): string {
  const { total, arrived, not_arrived: notArrived, arrival_rate: rate, costs } = calls;
  return [
    `Since ${since}: ${total} calls, ${live.total} live now`,
    `Arrived: ${arrived} of ${arrived + notArrived} (${percent(rate)})`,
    `Cost: ${money(costs)}`,
    '',
    ...table(
      ['RULE', 'CALLS', 'ARRIVED', 'COST'],
      rules.map((rule) => [
        rule.rule ?? 'otherwise, or none',
        String(rule.calls),
        percent(rule.arrival_rate),
        money(rule.costs),
      ]),
    ),
    '',
    ...table(
      ['TARGET', 'ATTEMPTS', 'SUCCESS', 'COST'],
      targets.map((target) => [
        target.target ?? 'literal destination',
        String(target.attempts),
        percent(target.success_rate),
        money(target.costs),
      ]),
    ),
  ].join('\n');
}

function percent(rate: number | null): string {
  return rate === null ? '-' : `${Math.round(rate * 100)} %`;
}

/** Amounts stay the decimal text they are. */
function money(costs: { currency: string; amount: string }[]): string {
  return costs.map(({ amount, currency }) => `${amount} ${currency}`).join(', ') || '-';
}

function table(head: string[], rows: string[][]): string[] {
  const cells = [head, ...rows.map((row) => row.map(plain))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => {
    return row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  });
}
