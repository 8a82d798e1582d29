/** A kept route set as both stores write and read it. */
import type { RouteVersion, VersionFile } from '../contract/route-versions.ts';

/**
 * Contents that no version refers to are kept for this long, because a version is written after its
 * files.
 */
export const UNNAMED_FILES_KEPT_MS = 60 * 60_000;
/** For this long after a set was replaced, a replica may still have decided by it. */
export const REPLACED_SLACK_MS = 60 * 60_000;

/** Beyond this number the oldest are removed, whatever refers to them: every reload may add one. */
export const VERSIONS_MAX = 500;

/** Of two that came into use within one millisecond, the one that still is. */
export const NEWEST_FIRST = 'at desc, until desc nulls first';

/** Name, key, size and number of parts, without field names: there may be thousands of files. */
export function filesText(files: readonly VersionFile[]): string {
  return JSON.stringify(files.map(({ name, key, bytes, parts }) => [name, key, bytes, parts]));
}

export function filesOf(text: unknown): VersionFile[] {
  const files = JSON.parse(String(text)) as [string, string, number, number | null][];
  return files.map(([name, key, bytes, parts]) => ({ name, key, bytes, parts }));
}

export function versionOf(row: Record<string, unknown>): RouteVersion {
  return {
    hash: String(row.hash),
    role: row.role as RouteVersion['role'],
    who: String(row.who),
    at: Number(row.at),
    until: row.until === null ? null : Number(row.until),
    commit: row.commit_hash === null ? null : String(row.commit_hash),
    files: filesOf(row.files),
  };
}
