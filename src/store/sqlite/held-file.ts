/**
 * Checks whether the file at the path is still the one we have open. SQLite goes on writing to a
 * file that was deleted, moved or replaced, and to its log, and reports success, but none of it
 * would be there after a restart.
 *
 * A file that was overwritten in place (`cp backup.db referee.db`) keeps its inode. It is
 * recognized by two numbers on its first page: the stamp (`user_version`), which every ping
 * increments, and the schema cookie, which every copy that SQLite makes has raised (`vacuum into`).
 */
import {
  accessSync,
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../../errors.ts';

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

export interface Header {
  stamp: number;
  cookie: number;
}

/**
 * https://www.sqlite.org/fileformat2.html: sizes and offsets in the header of the database and of
 * its log.
 */
const HEADER_BYTES = 100;
const COOKIE_AT = 40;
const STAMP_AT = 60;
const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The last bit gives the byte order of the checksums. */
const LOG_MAGIC = 0x377f0682;

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

/**
 * Refuses a log that belongs to another file than the one it is beside, because SQLite would write
 * it over that file, whoever opens it.
 */
export function refuseStaleLog(path: string): void {
  if (hasStaleLog(path)) throw new StoreUnavailable(STALE_LOG, { where: path });
}

/** A server that restarts its log between our two reads makes a pair that seems not to fit. */
const STALE_READS = 3;

/**
 * Every log of ours begins with a stamp, or soon gets one; the file has the stamp before that, or
 * one that is in the log.
 */
export function hasStaleLog(path: string): boolean {
  const file = statOf(path);
  // SQLite itself reports a file that cannot be read.
  if (!file?.isFile() || !isReadable(path)) return false;
  const descriptor = descriptorOf(path, file);
  const logPath = `${realpathSync(path)}-wal`;
  // SQLite would remove the log, and a file of ours has its stamp before its log has one.
  if (file.size === 0n) return (stampsOf(logPath)?.last.stamp ?? 0) > 0;
  for (let reads = 0; reads < STALE_READS; reads += 1) {
    const header = readHeader(descriptor);
    const stamps = stampsOf(logPath);
    // Stamp 0: written by a release that had no stamps.
    if (header === null || header.stamp === 0 || stamps === null) return false;
    const { first, last } = stamps;
    const fits = header.stamp >= first.stamp - 1 && header.stamp <= last.stamp;
    if (fits && header.cookie <= last.cookie) return false;
  }
  return true;
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
const STALE_LOG =
  'the log of another database file (-wal) is beside this one, for example because a restore did not remove it. If you restored a backup, remove -shm and -wal; if not, put the file back that the log belongs to';

/** As bigints: inode numbers of an overlay exceed 2^53, and rounded ones could look equal. */
function statOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch {
    // A folder we may not enter, or a mount that fails: as good as missing.
    return null;
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function isSame(a: BigIntStats | null, b: BigIntStats | null): boolean {
  return a !== null && b !== null && a.ino === b.ino && a.dev === b.dev;
}

/**
 * One for each file, never closed: closing any descriptor of a file releases all POSIX locks that
 * this process holds on it, SQLite's own too. While it is open, the inode number is not reused.
 */
const descriptors = new Map<string, number>();

function descriptorOf(path: string, { dev, ino }: BigIntStats): number {
  const name = `${dev}:${ino}`;
  const known = descriptors.get(name);
  if (known !== undefined) return known;
  const opened = openSync(path, 'r');
  descriptors.set(name, opened);
  return opened;
}

export function readHeader(descriptor: number): Header | null {
  const bytes = readBytes(descriptor, HEADER_BYTES, 0);
  return bytes === null ? null : headerOf(bytes);
}

function headerOf(page: Buffer): Header {
  return { stamp: page.readInt32BE(STAMP_AT), cookie: page.readUInt32BE(COOKIE_AT) };
}

function readBytes(descriptor: number, count: number, at: number): Buffer | null {
  const bytes = Buffer.alloc(count);
  return readSync(descriptor, bytes, 0, count, at) === count ? bytes : null;
}

/** Logs have no POSIX locks, so their descriptors may be closed. */
function withLog<T>(path: string, read: (descriptor: number) => T): T | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return read(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function logHeaderOf(descriptor: number): Buffer | null {
  const header = readBytes(descriptor, LOG_HEADER_BYTES, 0);
  return header !== null && isMagic(header) ? header : null;
}

function isMagic(header: Buffer): boolean {
  return header.readUInt32BE(0) >>> 1 === LOG_MAGIC >>> 1;
}

/** The first and the last copy of the database's first page in a log; null if there is none. */
function stampsOf(logPath: string): { first: Header; last: Header } | null {
  return withLog(logPath, (descriptor) => {
    const log = logHeaderOf(descriptor);
    if (log === null) return null;
    const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8);
    let first: Header | null = null;
    let last: Header | null = null;
    for (let at = LOG_HEADER_BYTES; ; at += frameBytes) {
      const frame = readBytes(descriptor, FRAME_HEADER_BYTES + HEADER_BYTES, at);
      // Frames of an earlier log in the same file have other salts.
      if (frame === null || !frame.subarray(8, 16).equals(log.subarray(16, 24))) break;
      if (frame.readUInt32BE(0) !== 1) continue;
      last = headerOf(frame.subarray(FRAME_HEADER_BYTES));
      first ??= last;
    }
    return first === null || last === null ? null : { first, last };
  });
}

function pageBytes(database: DatabaseSync): number {
  return Number(database.prepare('pragma page_size').get()?.page_size);
}
