/**
 * Writes the log to standard output: synchronously, so that nothing is lost after a kill -9, but
 * without waiting, so that calls continue if the disk is full or a reader stalls. Lines then wait
 * in memory in order; above a limit they are dropped and counted.
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { type DestinationStream, destination } from 'pino';

/** About 3,000 lines. */
const WAITING_BYTES_MAX = 1024 * 1024;
const AGAIN_MS = 250;
/** How long the end of the process waits, because the last lines matter most. */
const LAST_WORDS_MS = 2_000;
const LAST_WORDS_EVERY_MS = 5;

/** `onDropped` is called when lines can be written again, with the number of lines lost. */
export function standardOutput(onDropped: (lines: number) => void): DestinationStream {
  const output = destination({
    dest: descriptor(),
    sync: true,
    maxLength: WAITING_BYTES_MAX,
    retryEAGAIN: () => false,
  });
  let dropped = 0;
  let waiting = false;
  output.on('drop', () => {
    dropped += 1;
  });
  output.on('error', ({ code }: NodeJS.ErrnoException) => {
    // The reader has closed the pipe; nobody can be told.
    if (code === 'EPIPE') return;
    if (!waiting) setTimeout(again, AGAIN_MS).unref();
    waiting = true;
  });
  process.on('exit', () => {
    const until = performance.now() + LAST_WORDS_MS;
    while (waiting && performance.now() < until) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS_EVERY_MS);
      again();
    }
  });
  return output;

  function again(): void {
    waiting = false;
    // Writes everything that is waiting, or fails before this returns.
    output.write('');
    if (waiting || dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    onDropped(lines);
  }
}

/**
 * Reopens a pipe without blocking, which does not affect other processes that share it. Without
 * access to /proc this is not possible, and a stalled reader then blocks the process.
 */
function descriptor(): number {
  try {
    if (fstatSync(STDOUT).isFIFO()) {
      return openSync(`/proc/self/fd/${STDOUT}`, constants.O_WRONLY | constants.O_NONBLOCK);
    }
  } catch {
    // Use the descriptor as it is.
  }
  return STDOUT;
}

const STDOUT = 1;
