/** The list of `referee calls`: printed once, or updated with `--follow`. */
import { setTimeout } from 'node:timers/promises';
import { callsCsv } from '../../http/api/calls/calls-csv.ts';
import type { CallSummary } from '../../http/api/calls/calls-json.ts';
import type { Documents } from '../sources/documents.ts';
import { type Io, jsonText } from '../terminal/io.ts';
import { momentText } from '../terminal/local-time.ts';
import { terminalWidth } from '../terminal/table.ts';
import { plain, plainCsv } from '../terminal/terminal.ts';
import { askedBy, type CallsOptions } from './options.ts';
import { callTable, type TableOptions } from './text.ts';

export const FOLLOW_EVERY_MS = 1_000;
/**
 * Moves the cursor home and clears below it, which flickers less than clearing everything first.
 */
export const REDRAW = '\u001b[H\u001b[J';
const CLEAR = '\u001b[2J';
const MORE = 'There are more calls: raise --limit, or use filters.';

export async function listCalls(
  documents: Documents,
  options: CallsOptions,
  io: Io,
): Promise<void> {
  const { calls, next } = await documents.calls(askedBy(options));
  if (options.json) {
    io.stdout.write(`${jsonText({ calls, next })}\n`);
    return;
  }
  if (options.csv) {
    io.stdout.write(plainCsv(callsCsv({ calls })));
    if (next !== null) io.stderr.write(`${MORE}\n`);
    return;
  }
  io.stdout.write(`${listText(calls, documents, options, io)}\n`);
  if (next !== null) io.stdout.write(`${MORE}\n`);
}

/** Asks every second, because any replica may write to the store. */
export async function followCalls(
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

  /** Forgets calls that are no longer in the list. */
  function forget(calls: CallSummary[]): void {
    const listed = new Set(calls.map((call) => call.call_control_id));
    for (const id of seen.keys()) if (!listed.has(id)) seen.delete(id);
  }
}

function listText(
  calls: CallSummary[],
  { source }: Documents,
  options: CallsOptions,
  io: Io,
): string {
  return calls.length === 0 ? noCalls(options, source) : callTable(calls, tableOf(io, options));
}

/** Says that no calls match, and names the filter. */
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
