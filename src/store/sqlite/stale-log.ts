/** The write-ahead log of another file, which was left beside this one or copied there. */
import { accessSync, closeSync, constants, openSync, realpathSync } from 'node:fs';
import { StoreUnavailable } from '../../errors.ts';
import {
  descriptorOf,
  FRAME_HEADER_BYTES,
  HEADER_BYTES,
  type Header,
  headerOf,
  isMagic,
  LOG_HEADER_BYTES,
  readBytes,
  readHeader,
  statOf,
} from './file-header.ts';

/**
 * Refuses a log that belongs to another file than the one it is beside, because SQLite would write
 * it over that file, whoever opens it.
 */
export function refuseStaleLog(path: string): void {
  if (hasStaleLog(path)) throw new StoreUnavailable(STALE_LOG, { where: path });
}

const STALE_LOG =
  'the log of another database file (-wal) is beside this one, for example because a restore did not remove it. If you restored a backup, remove -shm and -wal; if not, put the file back that the log belongs to';

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

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
