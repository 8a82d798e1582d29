/** The hash by which a set of route files is known. */
import { createHash } from 'node:crypto';
import type { Problem } from '../problem.ts';
import { byBytes, type Folder } from './folder.ts';

/** Used as the hash of a folder that could not be read completely. */
export const UNREADABLE = 'unreadable';

/** Hashed between two yields; takes about a millisecond. */
const HASHED_BYTES = 1024 * 1024;

/**
 * A hash of the names and contents of all files of the set, so that equal hashes mean equal routes.
 * `problems`: what of the folder could not be read. It is part of the hash, because it may be
 * corrected without a change to any file that could be read. Yields regularly, see slices.ts.
 */
export function* contentHash(
  folder: Folder,
  problems: readonly Problem[] = [],
): Generator<void, string> {
  const hash = createHash('sha256');
  for (const name of [...folder.contents.keys()].sort(byBytes)) {
    const bytes = folder.contents.get(name) ?? new Uint8Array();
    hash.update(`${Buffer.byteLength(name)}:${name}:${bytes.byteLength}:`);
    for (let from = 0; from < bytes.byteLength; from += HASHED_BYTES) {
      hash.update(bytes.subarray(from, from + HASHED_BYTES));
      yield;
    }
  }
  for (const { file, message } of problems) hash.update(JSON.stringify([file, message]));
  return hash.digest('hex');
}

/** For people and log lines; comparisons use the full hash. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}
