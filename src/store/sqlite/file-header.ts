/**
 * The first page of a database file, by two numbers of which it is recognized: the stamp
 * (`user_version`), which every ping increments, and the schema cookie, which every copy that SQLite
 * makes has raised (`vacuum into`). The log beside the file has copies of that page.
 */
import { type BigIntStats, openSync, readSync, statSync } from 'node:fs';

export interface Header {
  stamp: number;
  cookie: number;
}

/**
 * https://www.sqlite.org/fileformat2.html: sizes and offsets in the header of the database and of
 * its log.
 */
export const HEADER_BYTES = 100;
const COOKIE_AT = 40;
const STAMP_AT = 60;
export const LOG_HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 24;
/** The last bit gives the byte order of the checksums. */
const LOG_MAGIC = 0x377f0682;

export function readHeader(descriptor: number): Header | null {
  const bytes = readBytes(descriptor, HEADER_BYTES, 0);
  return bytes === null ? null : headerOf(bytes);
}

export function headerOf(page: Buffer): Header {
  return { stamp: page.readInt32BE(STAMP_AT), cookie: page.readUInt32BE(COOKIE_AT) };
}

export function readBytes(descriptor: number, count: number, at: number): Buffer | null {
  const bytes = Buffer.alloc(count);
  return readSync(descriptor, bytes, 0, count, at) === count ? bytes : null;
}

export function isMagic(header: Buffer): boolean {
  return header.readUInt32BE(0) >>> 1 === LOG_MAGIC >>> 1;
}

/**
 * One for each file, never closed: closing any descriptor of a file releases all POSIX locks that
 * this process holds on it, SQLite's own too. While it is open, the inode number is not reused.
 */
const descriptors = new Map<string, number>();

export function descriptorOf(path: string, { dev, ino }: BigIntStats): number {
  const name = `${dev}:${ino}`;
  const known = descriptors.get(name);
  if (known !== undefined) return known;
  const opened = openSync(path, 'r');
  descriptors.set(name, opened);
  return opened;
}

/** As bigints: inode numbers of an overlay exceed 2^53, and rounded ones could look equal. */
export function statOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch {
    // A folder we may not enter, or a mount that fails: as good as missing.
    return null;
  }
}

export function isSame(a: BigIntStats | null, b: BigIntStats | null): boolean {
  return a !== null && b !== null && a.ino === b.ino && a.dev === b.dev;
}
