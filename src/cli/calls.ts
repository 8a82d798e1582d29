/**
 * `referee calls [id]`: reads calls from the store, which a server may be using at the same time.
 */
import { setTimeout } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BadValue, parseDatabaseUrl } from '../config/values.ts';
import { notAMoment, readMoment } from '../core/iso-time.ts';
import { type Call, ENDS, PHASES } from '../core/machine/call.ts';
import { CALLER_OUTCOMES } from '../core/machine/caller-outcome.ts';
import { VERDICTS } from '../core/machine/verdict.ts';
import { RefereeError } from '../errors.ts';
import { callsCsv } from '../http/api/calls-csv.ts';
import { callDetail, callSummary } from '../http/api/calls-json.ts';
import { askedNumber, mayBeNational } from '../routing/national.ts';
import { openReader, type StoreReader } from '../store/reader.ts';
import type { CallFilter } from '../store/store.ts';
import { exportCalls } from './calls-export.ts';
import { callStory, callTable, type TableOptions } from './calls-text.ts';
import { showVerified } from './calls-verify.ts';
import { databaseUrl } from './database.ts';
import { type Io, jsonText } from './io.ts';
import { momentText } from './local-time.ts';
import { recordedCalls } from './recorded-calls.ts';
import { loadFolder, plain } from './routes-folder.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 500;
const LEGS_MAX = 20;
const FOLLOW_EVERY_MS = 1_000;
const MORE = 'There are more calls: raise --limit, or use filters.';
/** Moves the cursor home and clears to the end, which flickers less than clearing everything. */
const REDRAW = '\u001b[H\u001b[J';
const CLEAR = '\u001b[2J';

export interface CallsOptions {
  phase?: NonNullable<CallFilter['phase']>;
  rule?: string;
  target?: string;
  verdict?: NonNullable<CallFilter['verdict']>;
  ends?: NonNullable<CallFilter['ends']>;
  from?: string;
  to?: string;
  since?: number;
  until?: number;
  q?: string;
  outcome?: NonNullable<CallFilter['outcome']>;
  number?: string;
  direction?: NonNullable<CallFilter['direction']>;
  legs?: 'all';
  /** Default: LIMIT_DEFAULT for a list, all for --verify and --export. */
  limit?: number;
  follow?: boolean;
  verify?: boolean;
  export?: string;
  json?: boolean;
  csv?: boolean;
  utc?: boolean;
}

export function callsCommand(program: Command, io: Io): void {
  const command = program
    .command('calls')
    .description('show what happened to calls, from the store that DATABASE_URL names')
    .argument('[id]', 'a call_control_id, or a number for its latest call')
    .option(
      '--q <text>',
      'only calls that this is part of: four digits or more of a number, an id, a rule, a target',
    )
    .addOption(
      new Option('--outcome <outcome>', 'only calls of callers of whom this became').choices([
        ...CALLER_OUTCOMES,
      ]),
    )
    .addOption(new Option('--phase <phase>', 'only calls in this phase').choices([...PHASES]))
    .option('--rule <name>', 'only calls that this rule matched')
    .option('--target <name>', 'only calls with an attempt at this target')
    .addOption(
      new Option('--verdict <verdict>', 'only calls with an attempt that has this verdict').choices(
        [...VERDICTS],
      ),
    )
    .addOption(new Option('--ends <ends>', 'only calls that ended like this').choices([...ENDS]))
    .option('--from <number>', 'only calls from this number, as the list shows it')
    .option('--to <number>', 'only calls to this number, as the list shows it')
    .option('--number <number>', 'only calls of this number of ours, on whichever side it is')
    .addOption(
      new Option('--direction <direction>', 'only calls in this direction').choices([
        'incoming',
        'outgoing',
      ]),
    )
    .option(
      '--since <time>',
      'only calls since then: ISO 8601 with a zone, or how long ago: 15m, 2h, 1d',
      sinceOf,
    )
    .option('--until <time>', 'only calls before then; written as for --since', sinceOf)
    .addOption(new Option('--legs <which>', 'also show the B-legs of transfers').choices(['all']))
    .option(
      '--limit <number>',
      `how many calls to show, at most ${LIMIT_MAX} (default: ${LIMIT_DEFAULT}; all for --verify and --export)`,
      limitOf,
    )
    .option('--follow', 'keep showing changes until Ctrl-C')
    .addOption(
      new Option(
        '--verify',
        'run the recorded events of each call again and compare with the stored call; exit 1 if any differs',
      ).conflicts(['follow', 'export', 'csv']),
    )
    .addOption(
      new Option(
        '--export <file>',
        'write recorded calls to a new file, one JSON object a line, - for stdout; phone numbers and pressed digits stand in it',
      ).conflicts(['follow', 'json', 'csv']),
    )
    .option('--utc', 'times in UTC; otherwise in the zone of this terminal, with its offset')
    .addOption(
      new Option(
        '--json',
        'JSON as the API returns it; with --follow one changed call per line',
      ).conflicts('csv'),
    )
    .addOption(
      new Option('--csv', 'CSV (RFC 4180) with a line for each call').conflicts(['json', 'follow']),
    );
  command.action(async (id: string | undefined, options: CallsOptions) => {
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    process.once('SIGINT', stop).once('SIGTERM', stop);
    try {
      process.exitCode = await runCalls(id ?? null, options, io, stopping.signal);
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop);
    }
  });
}

export async function runCalls(
  asked: string | null,
  written: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  let reader: StoreReader | null = null;
  try {
    reader = await openReader(parseDatabaseUrl(databaseUrl(io)));
    const { id, options } = await withMeantNumbers(asked, written, io);
    if (options.verify || options.export !== undefined) {
      return await useRecorded(reader, id, options, io, signal);
    }
    if (id !== null) return await showCall(reader, id, options, io, signal);
    if (options.follow) await followCalls(reader, options, io, signal);
    else await listCalls(reader, options, io);
    return 0;
  } catch (error) {
    if (!(error instanceof RefereeError || error instanceof BadValue)) throw error;
    const where = error instanceof BadValue ? 'DATABASE_URL: ' : '';
    io.stderr.write(`referee calls: ${where}${error.message}\n`);
    return 1;
  } finally {
    await reader?.close();
  }
}

/** `--verify` looks at B-legs as well: they are calls of the store like others. */
async function useRecorded(
  reader: StoreReader,
  asked: string | null,
  options: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const { limit: _, ...filter } = filterOf(options);
  const id = asked === null ? null : await idOf(reader, asked);
  if (asked !== null && id === null) return noSuchCall(asked, io);
  const legs = options.verify ? { legs: 'all' as const } : {};
  const reading = { limit: options.limit ?? null, signal };
  const recorded =
    id === null ? recordedCalls(reader, { ...filter, ...legs }, reading) : oneCall(reader, id);
  if (options.verify) return showVerified(recorded, io, options.json === true);
  await exportCalls(recorded, options.export ?? '-', io);
  return 0;
}

async function* oneCall(reader: StoreReader, id: string) {
  yield* await reader.recordings([id]);
}

/** National forms are those of `policy.country`: only for them the routes are read. */
async function withMeantNumbers(
  id: string | null,
  options: CallsOptions,
  io: Io,
): Promise<{ id: string | null; options: CallsOptions }> {
  const { from, to } = options;
  const asked = [id, from, to];
  if (!asked.some((text) => mayBeNational(text ?? ''))) return { id, options };
  const { loaded } = await loadFolder(undefined, io, Date.now(), { hold: false });
  const country = loaded.ok ? loaded.set.policy.country : null;
  const meant = { ...options };
  if (from !== undefined) meant.from = askedNumber(from, country);
  if (to !== undefined) meant.to = askedNumber(to, country);
  return { id: id === null ? null : askedNumber(id, country), options: meant };
}

async function listCalls(reader: StoreReader, options: CallsOptions, io: Io): Promise<void> {
  const { calls, next } = await reader.list(filterOf(options));
  if (options.json) {
    io.stdout.write(`${jsonText({ calls: calls.map(callSummary), next })}\n`);
    return;
  }
  if (options.csv) {
    io.stdout.write(callsCsv(calls.map(callSummary)));
    if (next !== null) io.stderr.write(`${MORE}\n`);
    return;
  }
  io.stdout.write(
    `${calls.length === 0 ? noCalls(options) : callTable(calls, tableOf(io, options))}\n`,
  );
  if (next !== null) io.stdout.write(`${MORE}\n`);
}

/** Reads the store every second, because any replica may write to it. */
async function followCalls(
  reader: StoreReader,
  options: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<void> {
  const live = io.isTTY && !options.json;
  const seen = new Map<string, string>();
  if (live) io.stdout.write(CLEAR);
  while (!signal.aborted) {
    const { calls } = await reader.list(filterOf(options));
    if (live) {
      io.stdout.write(
        `${REDRAW}${calls.length === 0 ? noCalls(options) : callTable(calls, tableOf(io, options))}\n\nCtrl-C ends.\n`,
      );
    } else {
      // Oldest first, because a stream of lines is read downwards.
      for (const call of calls.toReversed()) tellIfChanged(call);
      forget(calls);
    }
    await setTimeout(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => {});
  }

  function tellIfChanged(call: Call): void {
    const summary = jsonText(callSummary(call));
    if (seen.get(call.id) === summary) return;
    seen.set(call.id, summary);
    io.stdout.write(
      options.json
        ? `${summary}\n`
        : `${callTable([call], { ...tableOf(io, options), head: false })}\n`,
    );
  }

  /** Calls that left the list are forgotten. */
  function forget(calls: Call[]): void {
    const listed = new Set(calls.map((call) => call.id));
    for (const id of seen.keys()) if (!listed.has(id)) seen.delete(id);
  }
}

async function showCall(
  reader: StoreReader,
  asked: string,
  options: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const id = await idOf(reader, asked);
  if (id === null) return noSuchCall(asked, io);
  let shown = '';
  for (;;) {
    const found = await reader.find(id);
    if (found === null) return 1;
    const legs = await reader.list({ parentId: id, limit: LEGS_MAX });
    const detail = callDetail(found.call, await reader.timeline(id), legs.calls);
    const text = options.json ? jsonText(detail) : callStory(detail, options.utc === true);
    if (text !== shown) {
      io.stdout.write(`${shown !== '' && io.isTTY && !options.json ? REDRAW : ''}${text}\n`);
    }
    shown = text;
    if (!options.follow || signal.aborted || found.call.phase === 'ended') return 0;
    await setTimeout(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

function noSuchCall(asked: string, io: Io): number {
  io.stderr.write(
    `referee calls: there is no call ${JSON.stringify(asked.slice(0, 200))} in the store. Give a complete call_control_id, or a number as the list shows it: referee calls\n`,
  );
  return 1;
}

async function idOf(reader: StoreReader, asked: string): Promise<string | null> {
  if ((await reader.find(asked)) !== null) return asked;
  const pages = await Promise.all([
    reader.list({ from: asked, limit: 1 }),
    reader.list({ to: asked, limit: 1 }),
  ]);
  const [latest] = pages
    .flatMap(({ calls }) => calls)
    .toSorted((a, b) => b.createdAt - a.createdAt);
  return latest?.id ?? null;
}

function filterOf(options: CallsOptions): CallFilter {
  const {
    follow: _,
    json: __,
    csv: ___,
    utc: ____,
    verify: _____,
    export: ______,
    ...rest
  } = options;
  const { q, ...filter } = { limit: LIMIT_DEFAULT, ...rest };
  return q === undefined || q.trim() === '' ? filter : { ...filter, q: { text: q, numbers: [] } };
}

/** Why the list is empty, with the filter. */
function noCalls(options: CallsOptions): string {
  const { limit: _, since, until, q, ...filter } = filterOf(options);
  const asked = Object.entries(filter).map(([name, value]) => `${name} ${value}`);
  if (q !== undefined) asked.push(`q ${q.text}`);
  if (since !== undefined) asked.push(`since ${momentText(since, options.utc === true)}`);
  if (until !== undefined) asked.push(`until ${momentText(until, options.utc === true)}`);
  if (asked.length === 0) return 'There are no calls in the store that DATABASE_URL names.';
  return `No calls in the store match: ${plain(asked.join(', '))}.`;
}

const WIDTH_DEFAULT = 80;

function tableOf(io: Io, { utc = false }: CallsOptions): TableOptions {
  const width = process.stdout.columns ?? (Number(io.env.COLUMNS) || WIDTH_DEFAULT);
  return { width: io.isTTY ? width : null, head: true, now: Date.now(), utc };
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function sinceOf(text: string): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago !== null) return Date.now() - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0);
  const ms = readMoment(text);
  if (ms === null) {
    const { problem, hint } = notAMoment(text);
    throw new InvalidArgumentError(
      `${plain(problem)}; ${plain(hint)}. Or give how long ago: 15m, 2h, 1d.`,
    );
  }
  return ms;
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > LIMIT_MAX) {
    throw new InvalidArgumentError(`A whole number from 1 to ${LIMIT_MAX} is expected.`);
  }
  return limit;
}
