/** Reads the routes folder into memory once, so that all later steps see the same state. */
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../limits.ts';
import { Problems } from '../problem.ts';

export interface Folder {
  /** Null for stored files, because there is nothing more to read. */
  dir: string | null;
  /** `*.yaml` directly in the folder, in byte order of their names. */
  routeFiles: string[];
  /**
   * All files of the set (route files, handlers, lists, tables, calendars) by path with forward
   * slashes.
   */
  contents: Map<string, Uint8Array>;
  /** The stamp of each file, taken before it was read; any change to the file changes it. */
  stamps: Map<string, string>;
  /** Files that exist but could not be read, so that none of them is said to be missing. */
  unread: Map<string, Unread>;
}

interface Unread {
  why: string;
  /** Whether that is a problem of its own already. */
  reported: boolean;
}

/** `naming`: what to do if there is no such folder. */
export async function readFolder(
  dir: string,
  problems: Problems,
  naming = 'set ROUTES_DIR to the folder with the route files',
): Promise<Folder> {
  const folder: Folder & { dir: string } = {
    dir,
    routeFiles: [],
    contents: new Map(),
    stamps: new Map(),
    unread: new Map(),
  };
  const names = await listFolder(dir, '', problems, naming);
  let bytes = 0;
  for (const name of names) {
    if (!isOfSet(name)) {
      if (!name.includes('/') && /\.ya?ml$/i.test(name)) {
        problems.problem(
          { file: name, line: 1, column: 1 },
          'a route file ends in .yaml',
          `rename it to ${name.replace(/\.ya?ml$/i, '.yaml')}`,
        );
      }
      continue;
    }
    const content = await read(folder, name, problems);
    bytes += content?.byteLength ?? 0;
    if (content !== null && bytes > LIMITS.totalBytes) {
      problems.problem(
        { file: name, line: 1, column: 1 },
        `all files together have more than ${LIMITS.totalBytes} bytes`,
      );
      break;
    }
    if (content !== null && isRouteFile(name)) folder.routeFiles.push(name);
  }
  if (folder.routeFiles.length === 0 && problems.problems.length === 0) {
    problems.problem(
      { file: '.', line: 1, column: 1 },
      `no route file (*.yaml) in ${dir}`,
      'create main.yaml, at least with otherwise: [ { reject: declined } ]',
    );
  }
  return folder;
}

/** A folder made of stored files. */
export function keptFolder(contents: ReadonlyMap<string, Uint8Array>): Folder {
  const routeFiles = [...contents.keys()].filter(isRouteFile).sort(byBytes);
  return {
    dir: null,
    routeFiles,
    contents: new Map(contents),
    stamps: new Map(),
    unread: new Map(),
  };
}

/**
 * Reads a file that a route file refers to, unless it was read with the folder already. A failure
 * is reported where the route file names it.
 */
export async function readReferenced(folder: Folder, name: string): Promise<void> {
  const { dir, contents, unread } = folder;
  if (dir === null || contents.has(name) || unread.has(name) || !isInside(name)) return;
  await read({ ...folder, dir }, name, null);
}

/**
 * A file that was changed, added or removed since it was read, so that the contents do not belong
 * to one point in time. Null if there is none.
 */
export async function changedMeanwhile({ dir, stamps }: Folder): Promise<string | null> {
  if (dir === null) return null;
  const names = (await listFolder(dir, '', new Problems())).filter(isOfSet);
  for (const name of new Set([...names, ...stamps.keys()])) {
    if ((await stampOf(join(dir, name)).catch(() => '')) !== stamps.get(name)) return name;
  }
  return null;
}

/**
 * Includes the inode, which differs after a replacement, and the ctime, which every change updates,
 * even one to the file's times.
 */
export async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

/**
 * Whether a path written by an operator stays in the folder: no `..`, not absolute, no dot names.
 */
export function isInside(name: string): boolean {
  return (
    name.split('/').every((part) => part !== '' && !part.startsWith('.')) && !/[\\:\0]/.test(name)
  );
}

export function isRouteFile(name: string): boolean {
  return !name.includes('/') && name.endsWith('.yaml');
}

export function isOfSet(name: string): boolean {
  return (
    isRouteFile(name) ||
    /^handlers\/[^/]+\.ts$/.test(name) ||
    name.startsWith('lists/') ||
    /^tables\/[^/]+\.csv$/.test(name) ||
    name.endsWith('.ics')
  );
}

const DEPTH_MAX = 4;
const OTHERS = ['node_modules', 'lost+found'];

export async function listFolder(
  dir: string,
  under: string,
  problems: Problems,
  naming = '',
): Promise<string[]> {
  let entries: string[];
  try {
    entries = await readdir(join(dir, under));
  } catch (error) {
    problems.problem(
      { file: under === '' ? '.' : under, line: 1, column: 1 },
      `cannot read the folder: ${whyUnreadable(error)}`,
      under === '' ? naming : 'make it readable, or move it out of the routes folder',
    );
    return [];
  }
  const found: string[] = [];
  for (const entry of entries.sort(byBytes)) {
    // Dot names belong to editors, git, or Kubernetes (..data behind its mounted links). A volume
    // has lost+found, which only root may read.
    if (entry.startsWith('.') || OTHERS.includes(entry)) continue;
    const name = under === '' ? entry : `${under}/${entry}`;
    // stat follows links, because a mounted ConfigMap consists of links.
    let why = 'it is a broken link';
    const status = await stat(join(dir, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') why = whyUnreadable(error);
      return null;
    });
    if (status === null) {
      // Removed since it was listed; treated as if it had never been there.
      if ((await lstat(join(dir, name)).catch(() => null)) === null) continue;
      problems.problem({ file: name, line: 1, column: 1 }, `cannot be read: ${why}`);
    } else if (!status.isFile() && isRouteFile(name)) {
      const what = status.isDirectory() ? 'it is a folder' : 'it is not a file';
      const hint = 'put the route file in its place, or rename it';
      problems.problem({ file: name, line: 1, column: 1 }, `cannot be read: ${what}`, hint);
    } else if (status.isDirectory()) {
      if (name.split('/').length < DEPTH_MAX)
        found.push(...(await listFolder(dir, name, problems)));
    } else if (status.isFile()) found.push(name);
    if (found.length > LIMITS.files) {
      problems.problem(
        { file: name, line: 1, column: 1 },
        `more than ${LIMITS.files} files`,
        'move other files out of this folder',
      );
      break;
    }
  }
  return found;
}

/** `problems` is null if a failure is only noted. */
async function read(
  folder: { dir: string } & Pick<Folder, 'contents' | 'stamps' | 'unread'>,
  name: string,
  problems: Problems | null,
): Promise<Uint8Array | null> {
  const path = join(folder.dir, name);
  folder.stamps.set(name, await stampOf(path).catch(() => ''));
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new Error('it is not a file');
    const bytesMax = name.endsWith('.csv') ? LIMITS.tableFileBytes : LIMITS.listFileBytes;
    if (status.size > bytesMax)
      throw new Error(`it has ${status.size} bytes, more than ${bytesMax}`);
    const bytes = await readFile(path);
    folder.contents.set(name, bytes);
    return bytes;
  } catch (error) {
    const why = whyUnreadable(error);
    const isMissing = (await lstat(path).catch(() => null)) === null;
    if (problems !== null || !isMissing) {
      folder.unread.set(name, { why, reported: problems !== null });
    }
    problems?.problem({ file: name, line: 1, column: 1 }, `cannot be read: ${why}`);
    return null;
  }
}

const IN_WORDS: Record<string, string> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its links lead in a circle',
};

function whyUnreadable(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = 'code' in error ? IN_WORDS[String(error.code)] : undefined;
  return known === undefined ? error.message : `${known} (${error.message})`;
}

export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
