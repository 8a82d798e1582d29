/** `referee calls [id]`: calls of the running server, or of its store beside it. */
import { setTimeout } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ENDS, PHASES } from '../core/machine/call.ts';
import { CALLER_OUTCOMES } from '../core/machine/caller-outcome.ts';
import { VERDICTS } from '../core/machine/verdict.ts';
import { RefereeError } from '../errors.ts';
import { callsCsv } from '../http/api/calls-csv.ts';
import type { CallSummary } from '../http/api/calls-json.ts';
import { askedNumber, mayBeNational } from '../routing/national.ts';
import type { StoreReader } from '../store/reader.ts';
import type { CallFilter } from '../store/store.ts';
import { exportCalls } from './calls-export.ts';
import { callStory, callTable, type TableOptions } from './calls-text.ts';
import { showVerified } from './calls-verify.ts';
import {
  type CallsAsked,
  type Documents,
  documentsIn,
  filterOf,
  NeedsDatabase,
  openDocuments,
  openRecordings,
} from './documents.ts';
import { type Io, jsonText } from './io.ts';
import { momentText } from './local-time.ts';
import { recordedCalls } from './recorded-calls.ts';
import { loadFolder, plain } from './routes-folder.ts';
import { serverOf } from './server.ts';
import { sinceOf } from './since.ts';
import { terminalWidth } from './table.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 500;
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
    .description(
      'show what happened to calls, from the server that REFEREE_URL names, otherwise from the store that DATABASE_URL names',
    )
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
  try {
    const { id, options } = await withMeantNumbers(asked, written, io);
    if (options.verify || options.export !== undefined) {
      return await useRecorded(id, options, io, signal);
    }
    const documents = await openDocuments(io);
    try {
      if (id !== null) return await showCall(documents, id, options, io, signal);
      if (options.follow) await followCalls(documents, options, io, signal);
      else await listCalls(documents, options, io);
      return 0;
    } finally {
      await documents.close();
    }
  } catch (error) {
    if (!(error instanceof RefereeError)) throw error;
    io.stderr.write(`referee calls: ${plain(error.message)}\n`);
    // 1 of --verify says that a call differs.
    return error instanceof NeedsDatabase ? 2 : 1;
  }
}

/** `--verify` looks at B-legs as well: they are calls of the store like others. */
async function useRecorded(
  asked: string | null,
  options: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const reader = await openRecordings(io, options.verify ? '--verify' : '--export');
  try {
    const { limit: _, ...filter } = filterOf(askedBy(options));
    const id = asked === null ? null : await idOf(documentsIn(reader), asked);
    if (asked !== null && id === null) return noSuchCall(asked, io);
    const legs = options.verify ? { legs: 'all' as const } : {};
    const reading = { limit: options.limit ?? null, signal };
    const recorded =
      id === null ? recordedCalls(reader, { ...filter, ...legs }, reading) : oneCall(reader, id);
    if (options.verify) return await showVerified(recorded, io, options.json === true);
    await exportCalls(recorded, options.export ?? '-', io);
    return 0;
  } finally {
    await reader.close();
  }
}

async function* oneCall(reader: StoreReader, id: string) {
  yield* await reader.recordings([id]);
}

/**
 * National forms are those of `policy.country`: only for them the routes are read. A server reads them by
 * its own routes.
 */
async function withMeantNumbers(
  id: string | null,
  options: CallsOptions,
  io: Io,
): Promise<{ id: string | null; options: CallsOptions }> {
  if (serverOf(io) !== null) return { id, options };
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

async function listCalls(documents: Documents, options: CallsOptions, io: Io): Promise<void> {
  const { calls, next } = await documents.calls(askedBy(options));
  if (options.json) {
    io.stdout.write(`${jsonText({ calls, next })}\n`);
    return;
  }
  if (options.csv) {
    io.stdout.write(callsCsv(calls));
    if (next !== null) io.stderr.write(`${MORE}\n`);
    return;
  }
  io.stdout.write(`${listText(calls, documents, options, io)}\n`);
  if (next !== null) io.stdout.write(`${MORE}\n`);
}

/** Asks every second, because any replica may write to the store. */
async function followCalls(
  documents: Documents,
  options: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<void> {
  const live = io.isTTY && !options.json;
  const seen = new Map<string, string>();
  if (live) io.stdout.write(CLEAR);
  while (!signal.aborted) {
    const { calls } = await documents.calls(askedBy(options));
    if (live) {
      io.stdout.write(`${REDRAW}${listText(calls, documents, options, io)}\n\nCtrl-C ends.\n`);
    } else {
      // Oldest first, because a stream of lines is read downwards.
      for (const call of calls.toReversed()) tellIfChanged(call);
      forget(calls);
    }
    await setTimeout(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => {});
  }

  function tellIfChanged(call: CallSummary): void {
    const summary = jsonText(call);
    if (seen.get(call.call_control_id) === summary) return;
    seen.set(call.call_control_id, summary);
    io.stdout.write(
      options.json
        ? `${summary}\n`
        : `${callTable([call], { ...tableOf(io, options), head: false })}\n`,
    );
  }

  /** Calls that left the list are forgotten. */
  function forget(calls: CallSummary[]): void {
    const listed = new Set(calls.map((call) => call.call_control_id));
    for (const id of seen.keys()) if (!listed.has(id)) seen.delete(id);
  }
}

async function showCall(
  documents: Documents,
  asked: string,
  options: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const id = await idOf(documents, asked);
  if (id === null) return noSuchCall(asked, io);
  let shown = '';
  for (;;) {
    const detail = await documents.call(id);
    if (detail === null) return noSuchCall(asked, io);
    const text = options.json ? jsonText(detail) : callStory(detail, options.utc === true);
    if (text !== shown) {
      io.stdout.write(`${shown !== '' && io.isTTY && !options.json ? REDRAW : ''}${text}\n`);
    }
    shown = text;
    if (!options.follow || signal.aborted || detail.phase === 'ended') return 0;
    await setTimeout(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

function noSuchCall(asked: string, io: Io): number {
  io.stderr.write(
    `referee calls: there is no call ${JSON.stringify(asked.slice(0, 200))} in the store. Give a complete call_control_id, or a number as the list shows it: referee calls\n`,
  );
  return 1;
}

async function idOf(documents: Documents, asked: string): Promise<string | null> {
  if ((await documents.call(asked)) !== null) return asked;
  const pages = await Promise.all([
    documents.calls({ from: asked, limit: 1 }),
    documents.calls({ to: asked, limit: 1 }),
  ]);
  const [latest] = pages
    .flatMap(({ calls }) => calls)
    .toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  return latest?.call_control_id ?? null;
}

function askedBy(options: CallsOptions): CallsAsked {
  const {
    follow: _,
    json: __,
    csv: ___,
    utc: ____,
    verify: _____,
    export: ______,
    ...asked
  } = options;
  return { limit: LIMIT_DEFAULT, ...asked };
}

function listText(
  calls: CallSummary[],
  { source }: Documents,
  options: CallsOptions,
  io: Io,
): string {
  return calls.length === 0 ? noCalls(options, source) : callTable(calls, tableOf(io, options));
}

/** Why the list is empty, with the filter. */
function noCalls(options: CallsOptions, source: string): string {
  const { limit: _, since, until, q, ...filter } = askedBy(options);
  const asked = Object.entries(filter).map(([name, value]) => `${name} ${value}`);
  if (q !== undefined) asked.push(`q ${q}`);
  if (since !== undefined) asked.push(`since ${momentText(since, options.utc === true)}`);
  if (until !== undefined) asked.push(`until ${momentText(until, options.utc === true)}`);
  if (asked.length === 0) return `There are no calls in ${source}.`;
  return `No calls in the store match: ${plain(asked.join(', '))}.`;
}

function tableOf(io: Io, { utc = false }: CallsOptions): TableOptions {
  return { width: terminalWidth(io), head: true, now: Date.now(), utc };
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > LIMIT_MAX) {
    throw new InvalidArgumentError(`A whole number from 1 to ${LIMIT_MAX} is expected.`);
  }
  return limit;
}
