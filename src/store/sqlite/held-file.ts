/**
 * Checks whether the file at the path is still the one we have open. SQLite goes on writing to a
 * file that was deleted, moved or replaced, and to its log, and reports success, but none of it
 * would be there after a restart.
 *
 * A file that was overwritten in place (`cp backup.db referee.db`) keeps its inode, and is
 * recognized by its header.
 */
import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../../errors.ts';
import {
  descriptorOf,
  FRAME_HEADER_BYTES,
  type Header,
  isMagic,
  isSame,
  LOG_HEADER_BYTES,
  readHeader,
  statOf,
} from './file-header.ts';

export interface Found {
  /** `log_gone`: only the log or its index is missing; the file itself is the right one. */
  kind: 'gone' | 'other' | 'overwritten' | 'log_gone';
  /** What happened, and what to do. */
  words: string;
}

export interface HeldFile {
  /**
   * Null if nothing is wrong. Takes 6 µs after each commit, and some 20 µs `thoroughly`, once a
   * second.
   */
  look(thoroughly: boolean): Found | null;
  /** The header at the last check. */
  header(): Header;
  /** To be called when the connection closes. */
  release(): void;
}

export function holdFile(path: string, database: DatabaseSync): HeldFile {
  const stampNow = database.prepare('pragma user_version');
  const cookieNow = database.prepare('pragma schema_version');
  const logNow = database.prepare('pragma wal_checkpoint(noop)');
  // The first read has created the log and its index. SQLite follows a symbolic link to the file,
  // so they are beside the file that it points to.
  let seen: Header = { stamp: Number(stampNow.get()?.user_version), cookie: 0 };
  const real = realpathSync(path);
  const logPath = `${real}-wal`;
  const indexPath = `${real}-shm`;
  const file = statOf(path);
  const log = statOf(logPath);
  const index = statOf(indexPath);
  if (file === null || log === null || index === null) {
    throw new StoreUnavailable('it was taken away while it was being opened', { where: path });
  }
  const descriptor = descriptorOf(path, file);
  const logDescriptor = openSync(logPath, 'r');
  const logHead = Buffer.alloc(4);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes(database);
  let { mtimeNs, size } = file;
  const first = readHeader(descriptor);
  if (first !== null) seen = first;

  return {
    look(thoroughly) {
      const now = statOf(path);
      if (now === null) return found('gone', GONE);
      if (!isSame(now, file)) return found('other', OTHER);
      // Only a checkpoint writes to the file itself, so mostly it has not changed since the last
      // check.
      if (thoroughly || now.mtimeNs !== mtimeNs || now.size !== size) {
        if (!isOurs(readHeader(descriptor))) return found('overwritten', OVERWRITTEN);
        ({ mtimeNs, size } = now);
      }
      return lookAtLog(thoroughly);
    },
    header: () => seen,
    release: () => closeSync(logDescriptor),
  };

  function found(kind: Found['kind'], words: string): Found {
    return { kind, words };
  }

  /**
   * A checkpoint, ours or another program's, may have written it: never a stamp before the last one
   * seen, nor one after the current one.
   */
  function isOurs(header: Header | null): boolean {
    if (header === null || header.stamp < seen.stamp || header.cookie < seen.cookie) return false;
    const { stamp, cookie } = header;
    if (stamp > seen.stamp && stamp > Number(stampNow.get()?.user_version)) return false;
    if (cookie > seen.cookie && cookie > Number(cookieNow.get()?.schema_version)) return false;
    seen = header;
    return true;
  }

  function lookAtLog(thoroughly: boolean): Found | null {
    const { nlink, size: bytes } = fstatSync(logDescriptor);
    if (nlink === 0) return found('log_gone', LOG_GONE);
    if (!isWhole(bytes, thoroughly)) return found('overwritten', LOG_OVERWRITTEN);
    if (!thoroughly) return null;
    const there = isSame(statOf(logPath), log) && isSame(statOf(indexPath), index);
    return there ? null : found('log_gone', LOG_GONE);
  }

  /** If a log was truncated, SQLite continues where it was, which leaves a hole. */
  function isWhole(bytes: number, thoroughly: boolean): boolean {
    const magic = readSync(logDescriptor, logHead, 0, logHead.length, 0) > 0 && isMagic(logHead);
    if (magic && !thoroughly) return true;
    const frames = Math.max(0, Number(logNow.get()?.log));
    // No frames: the log is about to restart, and another program may have truncated it, as a
    // checkpoint can.
    return frames === 0 || (magic && bytes >= LOG_HEADER_BYTES + frames * frameBytes);
  }
}

/** Without the path, because strangers may see these texts in `/health/ready`. */
const GONE =
  'the database file is gone. Nothing is stored until it is back: move it back, or restart the server, which then uses whatever is at that path';
const OTHER =
  'the path now has another file than the one that the server has open. Nothing is stored until this is settled: restart the server to use the new one, or move the old one back';
const OVERWRITTEN =
  'the database file was overwritten or truncated while the server had it open. Nothing is stored any more: stop the server, restore the backup as docs/operations.md says (with the -wal and -shm files beside it removed), start it';
const LOG_OVERWRITTEN =
  'the log was overwritten or truncated (-wal) while the server had it open, and with it the last seconds. Nothing is stored any more: stop the server, remove the -wal and -shm files, start it';
const LOG_GONE =
  'the -wal or the -shm file was removed while the server had it open; what the log holds is being saved into the database file';
function pageBytes(database: DatabaseSync): number {
  return Number(database.prepare('pragma page_size').get()?.page_size);
}
