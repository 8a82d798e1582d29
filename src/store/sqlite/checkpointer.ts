/**
 * Keeps the write-ahead log short without stopping the event loop: a thread copies the bulk, and the
 * little that was written meanwhile is copied here, so that the log starts anew. Without that second
 * step a log under steady load never would: SQLite begins again at its start only when all is copied.
 */
import { extname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { CheckpointAnswer } from './checkpoint-worker.ts';
import type { Header, HeldFile } from './held-file.ts';

/** How often the log is looked at. */
const LOOK_EVERY_MS = 250;
/** Copied when it has so many pages (16 MiB), or when nothing was written for a second. */
const PAGES_TO_COPY = 4_096;
const IDLE_LOOKS = 4;
/** The second step may hold the event loop for so many pages (about 2 ms), not for more... */
const PAGES_TO_FINISH = 512;
/** ...unless the log has grown to this (128 MiB): better a pause than a full disk. */
const PAGES_MAX = 32_768;

export interface CheckpointerOptions {
  /** Null while nothing may be copied. */
  connection(): { database: DatabaseSync; file: Pick<HeldFile, 'header'> } | null;
  /** The log was copied, all of it or nearly: with the next write it may begin at its start. */
  onCopied(): void;
}

export class Checkpointer {
  readonly #path: string;
  readonly #connection: CheckpointerOptions['connection'];
  readonly #onCopied: () => void;
  readonly #timer: NodeJS.Timeout;
  #worker: Worker | null = null;
  #running = false;
  #looksSinceWrite = 0;
  #dirty = true;
  /** Pages that the round before had copied. */
  #copied = 0;

  constructor(path: string, { connection, onCopied }: CheckpointerOptions) {
    this.#path = path;
    this.#connection = connection;
    this.#onCopied = onCopied;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  wrote(): void {
    this.#dirty = true;
    this.#looksSinceWrite = 0;
  }

  /** Resolves when its thread has nothing open any more. It begins again at the next look. */
  async halt(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
    this.#running = false;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (!this.#dirty || this.#running) return;
    const connection = this.#connection();
    if (connection === null) return;
    this.#looksSinceWrite += 1;
    const { log, copied } = checkpoint(connection.database, 'noop');
    if (log - copied === 0) {
      this.#dirty = false;
    } else if (log - copied >= PAGES_TO_COPY || this.#looksSinceWrite >= IDLE_LOOKS) {
      this.#copy(connection.file.header());
    }
  }

  /** `header`: of the file as it must still be when the thread, which may have to start, begins to copy. */
  #copy(header: Header): void {
    this.#running = true;
    this.#thread().postMessage(header);
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(
      new URL(`./checkpoint-worker${extname(import.meta.filename)}`, import.meta.url),
      {
        workerData: this.#path,
        // Its descriptor of the database file outlives it; see there.
        trackUnmanagedFds: false,
      },
    );
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
    this.#onCopied();
    const connection = this.#connection();
    if (connection === null) return;
    const { database, file } = connection;
    const { log, copied } = checkpoint(database, 'noop');
    const left = log - copied;
    if (left <= PAGES_TO_FINISH || log >= PAGES_MAX) {
      if (left > 0) checkpoint(database, 'passive');
    } else if (copied > this.#copied) {
      // What was written during the copy takes less time to copy than the copy took: it converges.
      this.#copied = copied;
      this.#copy(file.header());
      return;
    }
    this.#copied = 0;
  }
}

/** Copies what is left of the log, here and now; whether all of it could be. */
export function copyLog(database: DatabaseSync): boolean {
  const row = database.prepare('pragma wal_checkpoint(passive)').get();
  return row?.busy === 0 && row.log === row.checkpointed;
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
