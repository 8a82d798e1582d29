/**
 * Keeps the write-ahead log short without blocking the event loop: a thread copies most of it, and
 * the little that was written meanwhile is copied here, so that the log can restart. Without that
 * second step it never would under steady load: SQLite restarts the log only when all of it is
 * copied.
 */
import { extname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { CheckpointAnswer } from './checkpoint-worker.ts';
import type { Header } from './file-header.ts';
import type { HeldFile } from './held-file.ts';

/** How often the log is checked. */
const LOOK_EVERY_MS = 250;
/**
 * The log is copied when it has this many pages (16 MiB), or when nothing was written for a second.
 */
const PAGES_TO_COPY = 4_096;
const IDLE_LOOKS = 4;
/**
 * The second step may block the event loop for this many pages (about 2 ms), and not for more...
 */
const PAGES_TO_FINISH = 512;
/** ...unless the log has grown to this (128 MiB): better a pause than a full disk. */
const PAGES_MAX = 32_768;

export interface CheckpointerOptions {
  /** Null while nothing may be copied. */
  connection(): { database: DatabaseSync; file: Pick<HeldFile, 'header'> } | null;
  /** All or nearly all of the log was copied, so the next write may restart it. */
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
  /** Pages that the previous round copied. */
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

  /** Resolves when its thread has no file open any more. The next check starts it again. */
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

  /**
   * `header`: what the file must still contain when the thread, which may have to start first,
   * begins to copy.
   */
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
        // The worker's descriptor of the database file must outlive it; see checkpoint-worker.ts.
        trackUnmanagedFds: false,
      },
    );
    worker.on('message', (_: CheckpointAnswer) => this.#finish());
    // A thread that died is started again at the next check; commits do not depend on it.
    const gone = () => {
      this.#running = false;
      if (this.#worker === worker) this.#worker = null;
    };
    worker.on('error', gone);
    worker.on('exit', gone);
    // After the listeners are added: adding one for messages would keep the process alive again.
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
      // Copying what was written during a copy takes less time than that copy took, so it
      // converges.
      this.#copied = copied;
      this.#copy(file.header());
      return;
    }
    this.#copied = 0;
  }
}

/**
 * Copies the rest of the log in this turn of the event loop; false if not all of it could be
 * copied.
 */
export function copyLog(database: DatabaseSync): boolean {
  const row = database.prepare('pragma wal_checkpoint(passive)').get();
  return row?.busy === 0 && row.log === row.checkpointed;
}

/** A disk error will show at the next write, where somebody learns of it. */
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
