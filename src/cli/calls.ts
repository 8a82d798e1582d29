/** `referee calls [id]`: calls from the running server, or read from its store. */
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { RefereeError } from '../errors.ts';
import type { StoreReader } from '../store/reader.ts';
import { exportCalls } from './calls/export.ts';
import { FOLLOW_EVERY_MS, followCalls, listCalls, REDRAW } from './calls/list.ts';
import {
  addCallsOptions,
  askedBy,
  type CallsOptions,
  listOption,
  withRoutes,
} from './calls/options.ts';
import { callStory } from './calls/text.ts';
import { showVerified } from './calls/verify.ts';
import { givenText } from './options/text.ts';
import {
  type Documents,
  documentsIn,
  filterOf,
  NeedsDatabase,
  openRecordings,
  withDocuments,
} from './sources/documents.ts';
import { recordedCalls } from './sources/recorded-calls.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { stopSignal } from './terminal/stop-signal.ts';
import { plainLines } from './terminal/terminal.ts';

export function callsCommand(program: Command, io: Io): void {
  const command = program
    .command('calls')
    .description(
      'show what happened to calls, from the server that REFEREE_URL names, otherwise from the store that DATABASE_URL names',
    )
    .argument('[id]', 'a call_control_id, or a number for its latest call', givenText);
  addCallsOptions(command);
  command.action(async (id: string | undefined, options: CallsOptions) => {
    using stopping = stopSignal(io.env);
    process.exitCode = await runCalls(id ?? null, options, io, stopping.signal);
  });
}

export async function runCalls(
  asked: string | null,
  written: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const listed = asked === null ? null : listOption(written);
  if (listed !== null) {
    io.stderr.write(`referee calls: --${listed} is for the list, not for one call\n`);
    return 2;
  }
  try {
    const { id, options } = await withRoutes(asked, written, io);
    if (options.verify || options.export !== undefined) {
      return await useRecorded(id, options, io, signal);
    }
    return await withDocuments(io, async (documents) => {
      if (id !== null) return await showCall(documents, id, options, io, signal);
      if (options.follow) await followCalls(documents, options, io, signal);
      else await listCalls(documents, options, io);
      return 0;
    });
  } catch (error) {
    if (!(error instanceof RefereeError)) throw error;
    io.stderr.write(`referee calls: ${plainLines(error)}\n`);
    return error instanceof NeedsDatabase ? 2 : failureOf(written);
  }
}

/** With --verify, 1 would mean that a call differs. */
function failureOf({ verify }: CallsOptions): number {
  return verify ? 2 : 1;
}

/** `--verify` includes B-legs, which are stored like other calls. */
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
    if (asked !== null && id === null) return noSuchCall(asked, options, io);
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

async function showCall(
  documents: Documents,
  asked: string,
  options: CallsOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const id = await idOf(documents, asked);
  if (id === null) return noSuchCall(asked, options, io);
  let shown = '';
  for (;;) {
    const detail = await documents.call(id);
    if (detail === null) return noSuchCall(asked, options, io);
    const text = options.json ? jsonText(detail) : callStory(detail, options.utc === true);
    if (text !== shown) {
      io.stdout.write(`${shown !== '' && io.isTTY && !options.json ? REDRAW : ''}${text}\n`);
    }
    shown = text;
    if (!options.follow || signal.aborted || detail.phase === 'ended') return 0;
    await setTimeout(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

function noSuchCall(asked: string, options: CallsOptions, io: Io): number {
  io.stderr.write(
    `referee calls: there is no call ${JSON.stringify(asked.slice(0, 200))} in the store. Give a complete call_control_id, or a number as the list shows it: referee calls\n`,
  );
  return failureOf(options);
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
