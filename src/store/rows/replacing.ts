/**
 * Writes a file beside the one that it replaces once it is complete and on the disk. After a
 * failure or a signal nothing is left behind. A process that is killed leaves
 * `<file>.<its number>-<random>.part`, which the next one removes. Each writes a file of its own,
 * so that of two at the same time neither puts the other's half in place.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StoreUnavailable } from '../../errors.ts';

/** The file's own name, and those of the files that SQLite creates beside it. */
const ENDS = ['', '-wal', '-shm', '-journal'];

export interface Replacing<T> {
  path: string;
  signal: AbortSignal;
  /** Makes the file, and resolves with what is returned in the end. */
  write(part: string): Promise<T>;
  /** Just before the file takes its place at `place`. */
  beforehand?(place: string): void;
}

export async function replacing<T>(options: Replacing<T>): Promise<T> {
  const { path, signal, write, beforehand = () => {} } = options;
  const place = resolve(realOf(path));
  refuseOther(place, path);
  const part = `${place}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  try {
    signal.throwIfAborted();
    removeLeftBehind(place);
    const written = await write(part);
    makeLike(place, part);
    sync(part);
    signal.throwIfAborted();
    beforehand(place);
    renameSync(part, place);
    sync(dirname(place));
    return written;
  } catch (error) {
    remove(part);
    throw error;
  }
}

/**
 * Where a link leads: the file there is replaced or made, perhaps on another disk, and not the
 * link.
 */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || !isLink(path)) return path;
    return realOf(resolve(dirname(path), readlinkSync(path)));
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** As root, a rename would put a file in the place of a device such as `/dev/null`. */
function refuseOther(place: string, where: string): void {
  const before = lstatSync(place, { throwIfNoEntry: false });
  if (before === undefined || before.isFile()) return;
  const what = before.isDirectory() ? 'a folder' : 'no regular file';
  throw new StoreUnavailable(`it is ${what}; name a file`, { where });
}

/** Whether both paths lead to one file, by whatever names: relative, symbolic link, hard link. */
export function isSameFile(path: string, other: string): boolean {
  const [one, two] = [path, other].map((each) =>
    statSync(each, { bigint: true, throwIfNoEntry: false }),
  );
  return one !== undefined && two !== undefined && one.dev === two.dev && one.ino === two.ino;
}

/**
 * The new file belongs to whom the old one belonged to, and no others may read it: a server must be
 * able to write what root restored, and a backup that only some could read stays so.
 */
function makeLike(place: string, part: string): void {
  const before = statSync(place, { throwIfNoEntry: false });
  if (before === undefined) return;
  const { uid, gid } = statSync(part);
  if (before.uid !== uid || before.gid !== gid) {
    try {
      chownSync(part, before.uid, before.gid);
    } catch {
      // Only root may give a file away.
    }
  }
  chmodSync(part, before.mode & 0o777);
}

/** What processes that were killed have left of this file. */
function removeLeftBehind(place: string): void {
  const folder = dirname(place);
  const own = basename(place);
  for (const name of namesIn(folder)) {
    const [, maker] = name.startsWith(own) ? (PART.exec(name.slice(own.length)) ?? []) : [];
    if (maker === undefined || isRunning(Number(maker))) continue;
    rmSync(join(folder, name), { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // There is no such folder, which the first write says, or only its names may not be read.
    return [];
  }
}

const PART = /^\.(\d{1,9})-[0-9a-f]{8}\.part(?:-wal|-shm|-journal)?$/;

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch (error) {
    // EPERM: it is somebody else's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function remove(part: string): void {
  for (const end of ENDS) rmSync(`${part}${end}`, { force: true });
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
