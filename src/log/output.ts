/**
 * Standard output as the log's place. Written at once, so that what was logged before a kill -9 is
 * there to be read, but never waited for: with a full disk behind it, or a reader that stalls,
 * calls go on. Lines wait in memory then, in their order; beyond that they are dropped and counted.
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { type DestinationStream, destination } from 'pino';

/** Some 3,000 lines. */
const WAITING_BYTES_MAX = 1024 * 1024;
const AGAIN_MS = 250;
/** At the end of the process: how it ended is what the log is read for. */
const LAST_WORDS_MS = 2_000;
const LAST_WORDS_EVERY_MS = 5;

/** `onDropped`: lines can be written again, and so many are missing before them. */
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
    // Nobody reads any more, and nobody will.
    if (code === 'EPIPE') return;
    if (!waiting) setTimeout(again, AGAIN_MS).unref();
    waiting = true;
  });
  process.on('exit', () => {
    const until = Date.now() + LAST_WORDS_MS;
    while (waiting && Date.now() < until) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS_EVERY_MS);
      again();
    }
  });
  return output;

  function again(): void {
    waiting = false;
    // All that waits is written with it, or the next error comes before this returns.
    output.write('');
    if (waiting || dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    onDropped(lines);
  }
}

/**
 * A pipe is opened anew, so that it does not block for us and stays as it is for those who share
 * it. Not where the system has no /proc, or does not let us: there a reader that stalls holds the
 * process up.
 */
function descriptor(): number {
  try {
    if (fstatSync(STDOUT).isFIFO()) {
      return openSync(`/proc/self/fd/${STDOUT}`, constants.O_WRONLY | constants.O_NONBLOCK);
    }
  } catch {
    // As it is, then.
  }
  return STDOUT;
}

const STDOUT = 1;
