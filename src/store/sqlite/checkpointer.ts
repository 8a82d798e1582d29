/**
 * Keeps the write-ahead log short without stopping the event loop: a thread copies the bulk, and the
 * little that was written meanwhile is copied here, so that the log starts anew. Without that second
 * step a log under steady load never would: SQLite begins again at its start only when all is copied.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { CheckpointAnswer } from './checkpoint-worker.ts';

/** How often the log is looked at. */
const LOOK_EVERY_MS = 250;
/** Copied when it has so many pages (16 MiB), or when nothing was written for a second. */
const PAGES_TO_COPY = 4_096;
const IDLE_LOOKS = 4;
/** The second step may hold the event loop for so many pages (about 2 ms), not for more... */
const PAGES_TO_FINISH = 512;
/** ...unless the log has grown to this (128 MiB): better a pause than a full disk. */
const PAGES_MAX = 32_768;

export class Checkpointer {
  readonly #path: string;
  readonly #connection: () => DatabaseSync | null;
  readonly #timer: NodeJS.Timeout;
  #worker: Worker | null = null;
  #running = false;
  #looksSinceWrite = 0;
  #dirty = true;
  /** Pages that the round before had copied. */
  #copied = 0;

  constructor(path: string, connection: () => DatabaseSync | null) {
    this.#path = path;
    this.#connection = connection;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  wrote(): void {
    this.#dirty = true;
    this.#looksSinceWrite = 0;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#worker?.terminate();
    this.#worker = null;
  }

  #look(): void {
    const database = this.#connection();
    if (!this.#dirty || this.#running || database === null) return;
    this.#looksSinceWrite += 1;
    const { log, copied } = checkpoint(database, 'noop');
    if (log - copied === 0) {
      this.#dirty = false;
    } else if (log - copied >= PAGES_TO_COPY || this.#looksSinceWrite >= IDLE_LOOKS) {
      this.#copy();
    }
  }

  #copy(): void {
    this.#running = true;
    this.#thread().postMessage('copy');
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: this.#path,
      // Its descriptor of the database file outlives it; see there.
      trackUnmanagedFds: false,
    });
    worker.on('message', (_: CheckpointAnswer) => this.#finish());
    // A dead thread is started again at the next look; commits do not depend on it.
    const gone = () => {
      this.#running = false;
      if (this.#worker === worker) this.#worker = null;
    };
    worker.on('error', gone);
    worker.on('exit', gone);
    // After the listeners: one for messages would hold the process again.
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #finish(): void {
    this.#running = false;
    const database = this.#connection();
    if (database === null) return;
    const { log, copied } = checkpoint(database, 'noop');
    const left = log - copied;
    if (left <= PAGES_TO_FINISH || log >= PAGES_MAX) {
      if (left > 0) checkpoint(database, 'passive');
    } else if (copied > this.#copied) {
      // What was written during the copy takes less time to copy than the copy took: it converges.
      this.#copied = copied;
      this.#copy();
      return;
    }
    this.#copied = 0;
  }
}

/** Trouble with the disk shows at the next write, where somebody hears of it. */
function checkpoint(
  database: DatabaseSync,
  mode: 'noop' | 'passive',
): { log: number; copied: number } {
  try {
    const row = database.prepare(`pragma wal_checkpoint(${mode})`).get();
    return { log: Number(row?.log ?? 0), copied: Number(row?.checkpointed ?? 0) };
  } catch {
    return { log: 0, copied: 0 };
  }
}
