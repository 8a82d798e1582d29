/** The route sets that were live, and the contents of their files. */

import { clean } from '../../core/clean-text.ts';
import type { RouteVersion } from '../contract/route-versions.ts';
import {
  filesText,
  NEWEST_FIRST,
  REPLACED_SLACK_MS,
  UNNAMED_FILES_KEPT_MS,
  VERSIONS_MAX,
  versionOf,
} from '../rows/route-version.ts';
import { NOW_MS } from './clock.ts';
import type { Query } from './pool.ts';

export async function keepPart(
  query: Query,
  key: string,
  part: number,
  content: Uint8Array,
): Promise<void> {
  await query(
    `insert into route_files (key, part, at, content) values ($1, $2, ${NOW_MS}, $3)
     on conflict (key, part) do update set at = excluded.at`,
    [key, part, Buffer.from(content.buffer, content.byteOffset, content.byteLength)],
  );
}

/** Needs a transaction, so that replicas that reload together come one after the other. */
export async function keepVersion(
  query: Query,
  version: Omit<RouteVersion, 'at' | 'until'>,
  left: string | null,
): Promise<void> {
  const { hash, role } = version;
  await query('lock table route_versions in share row exclusive mode');
  await query(
    `update route_versions set until = ${NOW_MS}
     where hash <> $1 and ((role = $2 and until is null) or hash = $3)`,
    [hash, role, left],
  );
  // The live set keeps that role when it is also announced as the next one.
  await query(
    `insert into route_versions (hash, role, who, at, until, commit_hash, files)
       values ($1, $2, $3, ${NOW_MS}, null, $4, $5)
     on conflict (hash) do update set role = excluded.role, who = excluded.who, at = excluded.at,
       until = null, commit_hash = excluded.commit_hash, files = excluded.files
     where not (route_versions.until is null
       and (route_versions.role = excluded.role or excluded.role = 'next'))`,
    [hash, role, clean(version.who), version.commit, clean(filesText(version.files))],
  );
}

export async function endVersions(query: Query, role: RouteVersion['role']): Promise<void> {
  await query(`update route_versions set until = ${NOW_MS} where role = $1 and until is null`, [
    role,
  ]);
}

export async function listVersions(query: Query, limit: number): Promise<RouteVersion[]> {
  const rows = await query(`select * from route_versions order by ${NEWEST_FIRST}, hash limit $1`, [
    limit,
  ]);
  return rows.map(versionOf);
}

export async function findVersion(query: Query, hash: string): Promise<RouteVersion | null> {
  const [row] = await query('select * from route_versions where hash = $1', [clean(hash)]);
  return row === undefined ? null : versionOf(row);
}

export async function readFile(query: Query, key: string): Promise<Uint8Array | null> {
  const rows = await query('select content from route_files where key = $1 order by part', [key]);
  if (rows.length === 0) return null;
  return Buffer.concat(rows.map(({ content }) => content as Buffer));
}

/**
 * A stored call was decided while its set was in use, so the oldest stored call says which sets may
 * still be needed.
 */
export async function pruneVersions(query: Query, before: number, keep: number): Promise<number> {
  const removed = await query(
    `delete from route_versions v
     where until is not null and hash in
         (select hash from route_versions order by ${NEWEST_FIRST} offset ${VERSIONS_MAX})
       or until < $1
       and hash not in (select hash from route_versions order by ${NEWEST_FIRST} limit $2)
       and not exists (select 1 from replicas r where r.route_set = v.hash)
       and until + ${REPLACED_SLACK_MS} < least(
         coalesce((select min(created_at) from call_filters where not leg), 9007199254740991),
         coalesce((select min(created_at) from call_filters where leg), 9007199254740991))
     returning hash`,
    [before, keep],
  );
  await query(
    `delete from route_files where at < ${NOW_MS} - ${UNNAMED_FILES_KEPT_MS} and key not in (
       select e ->> 1 from route_versions v, json_array_elements(v.files::json) e)`,
  );
  return removed.length;
}
