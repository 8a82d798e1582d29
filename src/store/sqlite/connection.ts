/**
 * The connection to the file behind the path, and the proof that it is still that file. A file that is
 * deleted or replaced while it is open can still be written to, and every write seems to succeed.
 */
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { StoreUnavailable } from '../../errors.ts';
import type { StoreNotice } from '../store.ts';
import { Checkpointer, copyLog } from './checkpointer.ts';
import { explain, isBusy, spoilsConnection } from './file.ts';
import type { Found } from './held-file.ts';
import { connect, type Prepared } from './prepared.ts';
import { type Clocks, StoreTime } from './store-time.ts';

/** Waits for another process's write, in all about half a second: a webhook has 1.5 s. */
const BUSY_WAITS_MS = [2, 5, 10, 20, 40, 80, 120, 200];

/** Connections to files that were overwritten: closing one would write its log over what lies there now. */
const abandoned: DatabaseSync[] = [];

/** What is done with the connection: synchronous, and therefore alone. */
export type Work<T> = (connection: Prepared, time: StoreTime) => T;

export interface Connection {
  /** For reading. */
  run<T>(work: Work<T>): Promise<T>;
  /** `thoroughly`: looks into the file as well, and not only at its place. */
  write<T>(work: Work<T>, thoroughly?: boolean): Promise<T>;
  /** Rejects if the open file is not the one behind the path any more. */
  checkInPlace(): Promise<void>;
  close(): Promise<void>;
}

interface ConnectionOptions {
  onNotice(notice: StoreNotice): void;
  clocks: Clocks;
}

export function openConnection(
  path: string,
  codeVersion: number,
  { onNotice, clocks }: ConnectionOptions,
): Connection {
  let connection: Prepared | null = null;
  let time: StoreTime | null = null;
  let closed = false;
  /** What was wrong with the file at the last look. */
  let trouble: Found | null = null;
  let savingLog: Promise<void> | null = null;
  /** A log that begins anew begins with a stamp; see `refuseStaleLog`. */
  let stampDue = true;
  const checkpointer = new Checkpointer(path, {
    // Nothing is copied into a file that is not ours any more.
    connection: () => (look(true) === null ? connection : null),
    onCopied() {
      stampDue = true;
    },
  });

  return { run, write, checkInPlace: () => checkInPlace(false), close };

  /** Runs at once; asynchronous only where another process holds the file. */
  async function run<T>(work: Work<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      if (closed) throw new StoreUnavailable('the store is closed', { where: path });
      try {
        connection ??= connect(path, codeVersion);
        time ??= new StoreTime(clocks, connection.pulse.timeBase(), (stepMs, offMs) => {
          onNotice({ kind: 'clock_stepped', clock: 'system', stepMs, offMs });
        });
        return work(connection, time);
      } catch (error) {
        const wait = BUSY_WAITS_MS[tries];
        if (!isBusy(error) || wait === undefined) {
          const found = look(true);
          if (found !== null && found.kind !== 'log_gone')
            throw new StoreUnavailable(found.words, { where: path });
          if (spoilsConnection(error)) drop();
          throw explain(error, path);
        }
        await setTimeout(wait);
      }
    }
  }

  /** Resolves when what was written is in the file behind the path: a webhook may have its 200. */
  async function write<T>(work: Work<T>, thoroughly = false): Promise<T> {
    // After trouble the file is checked before the write too, so that nothing goes into a lost file.
    if (trouble !== null) await checkInPlace(true);
    checkpointer.wrote();
    const result = await run((opened, clock) => {
      if (stampDue) opened.pulse.ping(clock.base());
      stampDue = false;
      return work(opened, clock);
    });
    await checkInPlace(thoroughly);
    return result;
  }

  async function checkInPlace(thoroughly: boolean): Promise<void> {
    const found = look(thoroughly);
    if (found === null) return;
    if (found.kind !== 'log_gone') throw new StoreUnavailable(found.words, { where: path });
    savingLog ??= saveLog(found).finally(() => {
      savingLog = null;
    });
    await savingLog;
  }

  function look(thoroughly: boolean): Found | null {
    if (connection === null) return null;
    // What was overwritten does not come back.
    if (trouble?.kind === 'overwritten') return trouble;
    trouble = connection.file.look(thoroughly);
    return trouble;
  }

  /**
   * The file is the right one, and all that its log held can still be read through our connection: it is copied
   * into the file, and a new log begun. Not while the checkpointer's thread has the old one open.
   */
  async function saveLog(found: Found): Promise<void> {
    await checkpointer.halt();
    if (connection === null) return;
    if (!copyLog(connection.database)) throw new StoreUnavailable(found.words, { where: path });
    drop();
    onNotice({ kind: 'log_saved', words: found.words });
  }

  function drop(): void {
    try {
      connection?.file.release();
      connection?.database.close();
    } catch {
      // It was of no use any more; the next call opens another.
    }
    connection = null;
    trouble = null;
    stampDue = true;
  }

  async function close(): Promise<void> {
    closed = true;
    await checkpointer.halt();
    checkpointer.close();
    if (connection !== null && look(true)?.kind === 'overwritten') {
      abandoned.push(connection.database);
      connection = null;
    }
    drop();
  }
}
