/** Reads recorded calls one by one, from the store or from a file of `referee calls --export`. */
import { createReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { BadRecording } from '../../core/recording/checked.ts';
import { readExport } from '../../core/recording/export.ts';
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
import { RefereeError } from '../../errors.ts';
import { openRecordings } from '../sources/documents.ts';
import { recordedCalls } from '../sources/recorded-calls.ts';
import type { Io } from '../terminal/io.ts';

export interface CallSource {
  /** The source's name in messages. */
  name: string;
  /** Rejects with a RefereeError that says where something is wrong. */
  calls(): AsyncIterable<RecordedCall>;
}

/** Opens the store read-only, so a server may be running. Newest calls first. */
export async function callsInStore(io: Io, since: number): Promise<CallSource> {
  const reader = await openRecordings(io, 'a replay without --calls');
  return {
    name: 'the store',
    async *calls() {
      try {
        yield* recordedCalls(reader, { since }, { limit: null });
      } finally {
        await reader.close();
      }
    },
  };
}

/** Large pieces, because an export is read from beginning to end. */
const READ_BYTES = 256 * 1024;

/**
 * `-` is stdin. `since`: earlier calls are left out; null: no call is. A call that is listed again,
 * as in several exports put together, is one call.
 */
export function callsInFile(path: string, io: Io, since: number | null): CallSource {
  const name = path === '-' ? 'stdin' : path;
  return {
    name,
    async *calls() {
      const input =
        path === '-'
          ? (io.stdin ?? process.stdin)
          : createReadStream(path, { highWaterMark: READ_BYTES });
      const seen = new Set<string>();
      let number = 0;
      let again = 0;
      for await (const line of linesOf(input, name)) {
        number += 1;
        if (line.trim() === '') continue;
        const recorded = readLine(line, `${name}:${number}`);
        if (since !== null && recorded.stored.createdAt < since) continue;
        if (seen.has(recorded.callId)) {
          again += 1;
          continue;
        }
        seen.add(recorded.callId);
        yield recorded;
      }
      if (again > 0) io.stderr.write(`warning: ${name}: ${againWords(again)}\n`);
    },
  };
}

function againWords(again: number): string {
  const what = again === 1 ? '1 line lists a call' : `${again} lines list calls`;
  return `${what} that an earlier line has listed already; each call is counted once, as first listed`;
}

function readLine(line: string, where: string): RecordedCall {
  try {
    return readExport(line);
  } catch (error) {
    if (!(error instanceof BadRecording)) throw error;
    throw new RefereeError('BAD_RECORDING', `${where}: ${error.message}. Nothing was counted`);
  }
}

/** A call has at most a few hundred events, so a longer line is not a call. */
const LINE_CHARACTERS_MAX = 32 * 1024 * 1024;

async function* linesOf(input: NodeJS.ReadableStream, name: string): AsyncIterable<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let number = 1;
  try {
    for await (const chunk of input) {
      const pieces = decoder.write(chunk).split('\n');
      for (const [index, piece] of pieces.entries()) {
        rest += piece;
        if (rest.length > LINE_CHARACTERS_MAX) {
          const words = `the line is longer than ${LINE_CHARACTERS_MAX} characters, so it is not a recorded call`;
          throw new RefereeError('BAD_RECORDING', `${name}:${number}: ${words}`);
        }
        if (index === pieces.length - 1) break;
        yield rest;
        rest = '';
        number += 1;
      }
    }
  } catch (error) {
    if (error instanceof RefereeError || !(error instanceof Error && 'code' in error)) throw error;
    throw new RefereeError('UNREADABLE', `${name} cannot be read: ${error.message}`);
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}
