/** How long the disk takes to make a small write durable; a commit cannot be faster than that. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const WRITES = 100;
/**
 * Between two writes, as between two commits of a server that is not busy: after a pause a virtual
 * disk takes up to three times as long as in a row.
 */
const PAUSE_MS = 3;
/** Two pages with their frames, which is what a stored webhook writes. */
const BYTES = 2 * (4_096 + 24);

/** Median milliseconds of one append and its `fdatasync`, each after a pause, in this folder. */
export function fdatasyncMs(folder: string): number {
  const path = join(folder, 'fdatasync-probe');
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  const file = openSync(path, 'w');
  try {
    const bytes = Buffer.alloc(BYTES, 'x');
    const took: number[] = [];
    for (let n = 0; n < WRITES; n += 1) {
      Atomics.wait(nobody, 0, 0, PAUSE_MS);
      const from = performance.now();
      writeSync(file, bytes);
      fdatasyncSync(file);
      took.push(performance.now() - from);
    }
    return took.toSorted((a, b) => a - b)[WRITES >> 1] ?? Number.NaN;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
