/**
 * Writes a file beside another, in whose place it is put when it is complete and on the disk. What
 * fails, or is stopped by a signal, leaves nothing behind. A process that is killed outright leaves
 * `<file>.part`, which the next one replaces.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Those that SQLite makes beside a file are named so. */
const ENDS = ['', '-wal', '-shm', '-journal'];

export interface Replacing<T> {
  path: string;
  signal: AbortSignal;
  /** Makes the file, and resolves with what is returned in the end. */
  write(part: string): Promise<T>;
  /** Just before the file takes its place. */
  beforehand?(): void;
}

export async function replacing<T>(options: Replacing<T>): Promise<T> {
  const { path, signal, write, beforehand = () => {} } = options;
  const part = `${path}.part`;
  try {
    signal.throwIfAborted();
    remove(part);
    const written = await write(part);
    sync(part);
    signal.throwIfAborted();
    beforehand();
    renameSync(part, path);
    sync(dirname(resolve(path)));
    return written;
  } catch (error) {
    remove(part);
    throw error;
  }
}

function remove(part: string): void {
  for (const end of ENDS) rmSync(`${part}${end}`, { force: true });
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
