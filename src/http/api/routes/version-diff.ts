/**
 * Compares two versions line by line, with `diff` (jsdiff). It finds the shortest edit and stops
 * beyond a number of changed lines, which is hard to get right by hand.
 */
import { structuredPatch } from 'diff';
import type { RouteVersion, VersionFile } from '../../../store/contract/route-versions.ts';

/** For all files of a comparison together, because the search blocks the event loop. */
const CHANGED_LINES_MAX = 2_000;
const CONTEXT_LINES = 3;

export interface FileDiff {
  name: string;
  change: 'added' | 'removed' | 'changed';
  hunks: { before_line: number; after_line: number; lines: string[] }[];
  why: string | null;
}

/** Texts by file name, and for the others the reason why there is none. */
export interface Texts {
  files: Record<string, string>;
  omitted: { name: string; bytes: number; why: string }[];
}

/** The files that differ in `after`; equal contents have equal keys. */
export function changedFiles(before: RouteVersion, after: RouteVersion): Set<string> {
  const keys = (files: VersionFile[]) => new Map(files.map(({ name, key }) => [name, key]));
  const [old, now] = [keys(before.files), keys(after.files)];
  const names = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return new Set(names.filter((name) => old.get(name) !== now.get(name)));
}

export function diffTexts(names: Iterable<string>, before: Texts, after: Texts): FileDiff[] {
  let left = CHANGED_LINES_MAX;
  return [...names].map((name) => {
    const [old, now] = [sideOf(before, name), sideOf(after, name)];
    const change = old === null ? 'added' : now === null ? 'removed' : 'changed';
    const why = old?.why ?? now?.why ?? null;
    if (why !== null) return { name, change, hunks: [], why };
    const patch = structuredPatch(name, name, old?.text ?? '', now?.text ?? '', '', '', {
      context: CONTEXT_LINES,
      maxEditLength: left,
    });
    if (patch === undefined) {
      const most = `more than ${CHANGED_LINES_MAX} lines differ`;
      return { name, change, hunks: [], why: most };
    }
    const hunks = patch.hunks.map(({ oldStart, newStart, lines }) => ({
      before_line: oldStart,
      after_line: newStart,
      lines,
    }));
    left -= hunks.flatMap(({ lines }) => lines.filter((line) => /^[-+]/.test(line))).length;
    return { name, change, hunks, why: null };
  });
}

function sideOf({ files, omitted }: Texts, name: string) {
  const text = files[name];
  if (text !== undefined) return { text, why: null };
  const left = omitted.find((file) => file.name === name);
  return left === undefined ? null : { text: '', why: left.why };
}
