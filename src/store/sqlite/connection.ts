/**
 * The connection to the file behind the path, and the check that it is still that file. SQLite can
 * go on writing to a file that was deleted or replaced, and every write seems to succeed.
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

/**
 * How long to wait for another process's write: half a second in all, of the 1.5 s a webhook has.
 */
const BUSY_WAITS_MS = [2, 5, 10, 20, 40, 80, 120, 200];

/**
 * Connections to files that were overwritten are never closed, because closing one would write its
 * write-ahead log over the new file.
 */
const abandoned: DatabaseSync[] = [];

/** Synchronous, so nothing else uses the connection meanwhile. */
export type Work<T> = (connection: Prepared, time: StoreTime) => T;

export interface Connection {
  read<T>(work: Work<T>): Promise<T>;
  /** `thoroughly`: also reads the file's header, not only where the file is. */
  write<T>(work: Work<T>, thoroughly?: boolean): Promise<T>;
  /** Rejects if the open file is no longer the one at the path. */
  checkInPlace(): Promise<void>;
  close(): Promise<void>;
}

interface ConnectionOptions {
  onNotice(notice: StoreNotice): void;
  clocks: Clocks;
}

/** One closure over the open file and its trouble, which almost every function below may change. */
export function openConnection(
  path: string,
  codeVersion: number,
  { onNotice, clocks }: ConnectionOptions,
): Connection {
  let connection: Prepared | null = null;
  let time: StoreTime | null = null;
  let closed = false;
  /** What the last check found wrong with the file. */
  let trouble: Found | null = null;
  let savingLog: Promise<void> | null = null;
  /** A new write-ahead log must begin with a stamp; see `refuseStaleLog`. */
  let stampDue = true;
  const checkpointer = new Checkpointer(path, {
    // Nothing is copied into a file that is no longer ours, or cannot be looked at.
    connection: () => (tryCheck() === null ? connection : null),
    onCopied() {
      stampDue = true;
    },
  });

  return { read: run, write, checkInPlace: () => checkInPlace(false), close };

  /**
   * Opens the file if it is not open. Works in the same turn of the event loop, unless another
   * process is writing.
   */
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
          const found = tryCheck();
          if (found && found.kind !== 'log_gone')
            throw new StoreUnavailable(found.words, { where: path });
          if (spoilsConnection(error)) drop();
          throw explain(error, path);
        }
        await setTimeout(wait);
      }
    }
  }

  /**
   * Once it resolves, the data is in the file at the path, so its webhook may be answered with 200.
   */
  async function write<T>(work: Work<T>, thoroughly = false): Promise<T> {
    // After trouble the file is checked before the write too, so that nothing goes into a lost
    // file.
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
    let found: Found | null;
    try {
      found = check(thoroughly);
    } catch (error) {
      throw explain(error, path);
    }
    if (found === null) return;
    if (found.kind !== 'log_gone') throw new StoreUnavailable(found.words, { where: path });
    savingLog ??= saveLog(found).finally(() => {
      savingLog = null;
    });
    await savingLog;
  }

  /** Sets `trouble`. */
  function check(thoroughly: boolean): Found | null {
    if (connection === null) return null;
    // An overwritten file does not come back.
    if (trouble?.kind === 'overwritten') return trouble;
    trouble = connection.file.look(thoroughly);
    return trouble;
  }

  /**
   * Undefined if the file cannot be looked at. The look reads through the connection, so what has
   * just failed, such as a file that may not be written, may make it fail too. The connection must
   * be given up all the same: as long as one that was opened read-only exists in this process,
   * SQLite opens every other one read-only. The checkpointer's timer has nobody who would take an
   * error.
   */
  function tryCheck(): Found | null | undefined {
    try {
      return check(true);
    } catch {
      return undefined;
    }
  }

  /**
   * For `log_gone`: the file is the right one, and everything that its write-ahead log held can
   * still be read through our connection. Copies that into the file, then begins a new log. The
   * checkpointer's thread must not have the old log open meanwhile.
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
      // It was unusable anyway; the next call opens another.
    }
    connection = null;
    trouble = null;
    stampDue = true;
  }

  async function close(): Promise<void> {
    closed = true;
    await checkpointer.halt();
    checkpointer.close();
    if (connection !== null && tryCheck()?.kind === 'overwritten') {
      abandoned.push(connection.database);
      connection = null;
    }
    drop();
  }
}
