/** Sees whether a routes folder has changed, as `ROUTES_WATCH` asks every second. */
import { join } from 'node:path';
import { Problems } from '../problem.ts';
import { inSlices } from '../slices.ts';
import { contentHash, UNREADABLE } from './content-hash.ts';
import { isInside, isOfSet, listFolder, readFolder, readReferenced, stampOf } from './folder.ts';

/** What a watcher sees of a folder. */
export interface Look {
  /** The hash that a load would have now, without parsing anything. */
  hash: string;
  glance: Glance | null;
  /** How often it was taken for unchanged since its files were read. */
  again: number;
}

/** An older file would show another time if it were written again. */
const SETTLED_MS = 3_000;
/** Then the files are read anyway, because not every file system keeps exact times. */
const AGAIN_MAX = 60;

/**
 * Looks at a folder again. If nothing seems to have changed since `before`, no file is read: to
 * hash a list of a million numbers every second takes a tenth of a core.
 */
export async function lookAgain(
  dir: string,
  referenced: readonly string[],
  before: Look | null,
): Promise<Look> {
  // Taken first, so that what changes while the files are read is seen the next time.
  const glance = await glanceAt(dir, referenced).catch(() => null);
  const isSame = glance !== null && glance.text === before?.glance?.text;
  if (isSame && before.again < AGAIN_MAX) return { ...before, again: before.again + 1 };
  const { hash, isWhole } = await hashRoutes(dir, referenced);
  const isSettled = glance !== null && glance.changedMs < Date.now() - SETTLED_MS;
  // What could not be read may be readable again without any change to be seen.
  return { hash, glance: isWhole && isSettled ? glance : null, again: 0 };
}

async function hashRoutes(
  dir: string,
  referenced: readonly string[],
): Promise<{ hash: string; isWhole: boolean }> {
  const troubles = new Problems();
  try {
    const folder = await readFolder(dir, troubles);
    for (const name of referenced) await readReferenced(folder, name);
    const hash = await inSlices(contentHash(folder, troubles.problems));
    return { hash, isWhole: troubles.problems.length + folder.unread.size === 0 };
  } catch {
    return { hash: UNREADABLE, isWhole: false };
  }
}

/** What can be seen of a folder without reading its files. */
interface Glance {
  /** Equal texts mean equal files, unless one was written again within the clock's tick. */
  text: string;
  /** When the last of the files changed, by the clock of its file system. */
  changedMs: number;
}

async function glanceAt(dir: string, referenced: readonly string[]): Promise<Glance> {
  const problems = new Problems();
  const names = await listFolder(dir, '', problems);
  const stamps: [string, string][] = [];
  for (const name of new Set([...names.filter(isOfSet), ...referenced.filter(isInside)])) {
    stamps.push([name, await stampOf(join(dir, name)).catch(() => '')]);
  }
  const changes = stamps.map(([, stamp]) => Number(stamp.split(',').at(-1)) / 1e6);
  return {
    text: JSON.stringify([names, stamps, problems.problems]),
    changedMs: changes.reduce((latest, each) => Math.max(latest, each), 0),
  };
}
