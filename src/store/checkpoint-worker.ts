/** Runs in a thread of its own: copies the write-ahead log into the database file, without blocking writers. */
import { constants, setPriority } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

export type CheckpointAnswer = { pages: number } | { error: string };

// On Linux this is the priority of the calling thread, elsewhere that of the process: there a thread that
// nobody waits for would take its share of the core from the calls.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW);

parentPort?.on('message', () => {
  parentPort?.postMessage(checkpoint(String(workerData)));
});

function checkpoint(path: string): CheckpointAnswer {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    const row = database.prepare('pragma wal_checkpoint(passive)').get();
    return { pages: Number(row?.log) };
  } catch (error) {
    return { error: (error as Error).message };
  } finally {
    database?.close();
  }
}
