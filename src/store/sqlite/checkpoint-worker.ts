/** Runs in a thread: copies the write-ahead log into the database file without blocking writers. */
import { fsyncSync, openSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { type Header, readHeader } from './file-header.ts';

export type CheckpointAnswer = { pages: number } | { error: string };

// On Linux this sets the priority of the calling thread, elsewhere that of the process, where it
// would slow the calls down too.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW);

const path = String(workerData);
let file: number | null = null;

parentPort?.on('message', (header: Header) => {
  parentPort?.postMessage(checkpoint(header));
});

function checkpoint(expected: Header): CheckpointAnswer {
  let database: DatabaseSync | undefined;
  try {
    file ??= openSync(path, 'r+');
    const header = readHeader(file);
    if (header?.stamp !== expected.stamp || header.cookie !== expected.cookie) {
      return {
        error: `${path}: the file has changed; the next check will find out how`,
      };
    }
    database = new DatabaseSync(path, { timeout: 0 });
    const passive = database.prepare('pragma wal_checkpoint(passive)');
    passive.get();
    toDisk(file);
    const row = passive.get();
    return { pages: Number(row?.log) };
  } catch (error) {
    return { error: (error as Error).message };
  } finally {
    database?.close();
  }
}

/**
 * SQLite syncs the database file when the whole log is copied, which under load happens only in the
 * event loop's own step: 20 MB at once, 7 ms where an fsync takes 0.2. So the file is synced here
 * first. The descriptor is never closed, because closing any descriptor of a file releases all
 * POSIX locks that this process holds on it, SQLite's own too.
 */
function toDisk(descriptor: number): void {
  fsyncSync(descriptor);
}
