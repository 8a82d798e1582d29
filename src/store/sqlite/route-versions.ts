/** The route sets that were live, and the contents of their files. */
import type { DatabaseSync } from 'node:sqlite';
import type { RouteVersion } from '../contract/route-versions.ts';
import {
  filesOf,
  filesText,
  NEWEST_FIRST,
  REPLACED_SLACK_MS,
  UNNAMED_FILES_KEPT_MS,
  VERSIONS_MAX,
  versionOf,
} from '../rows/route-version.ts';
import { inTransaction } from './transaction.ts';

export interface SqliteRouteVersions {
  keepPart(key: string, part: number, content: Uint8Array, now: number): void;
  keep(version: Omit<RouteVersion, 'at' | 'until'>, left: string | null, now: number): void;
  end(role: RouteVersion['role'], now: number): void;
  list(limit: number): RouteVersion[];
  find(hash: string): RouteVersion | null;
  file(key: string): Uint8Array | null;
  prune(before: number, keep: number, now: number): number;
}

type Row = Record<string, unknown>;

export function prepareRouteVersions(database: DatabaseSync): SqliteRouteVersions {
  const addPart = database.prepare(
    `insert into route_files (key, part, at, content) values (?, ?, ?, ?)
     on conflict (key, part) do update set at = excluded.at`,
  );
  const byHash = database.prepare('select * from route_versions where hash = ?');
  const newest = database.prepare(
    `select * from route_versions order by ${NEWEST_FIRST}, hash limit ?`,
  );
  const endAll = database.prepare(
    'update route_versions set until = ? where role = ? and until is null and hash <> ?',
  );
  const endOne = database.prepare('update route_versions set until = ? where hash = ?');
  const put = database.prepare(
    `insert into route_versions (hash, role, who, at, until, commit_hash, files)
       values (?, ?, ?, ?, null, ?, ?)
     on conflict (hash) do update set role = excluded.role, who = excluded.who, at = excluded.at,
       until = null, commit_hash = excluded.commit_hash, files = excluded.files`,
  );
  const parts = database.prepare('select content from route_files where key = ? order by part');
  // A stored call was decided while its set was in use, so the oldest stored call says which sets
  // may still be needed.
  const over = database.prepare(
    `select hash, until from route_versions v
     where until is not null and hash in
         (select hash from route_versions order by ${NEWEST_FIRST} limit -1 offset ${VERSIONS_MAX})
       or until < ? and hash not in (select hash from route_versions order by ${NEWEST_FIRST} limit ?)
       and not exists (select 1 from replicas r where r.route_set = v.hash)
       and until + ${REPLACED_SLACK_MS} < coalesce(
         (select min(at) from (select min(created_at) as at from calls where leg = 0
           union all select min(created_at) from calls where leg = 1)), 9007199254740991)`,
  );
  const remove = database.prepare('delete from route_versions where hash = ?');
  const allFiles = database.prepare('select files from route_versions');
  const oldKeys = database.prepare('select distinct key from route_files where at < ?');
  const removeFile = database.prepare('delete from route_files where key = ?');

  return {
    keepPart(key, part, content, now) {
      addPart.run(key, part, now, content);
    },

    keep(version, left, now) {
      const { hash, role } = version;
      inTransaction(database, () => {
        if (left !== null && left !== hash) endOne.run(now, left);
        endAll.run(now, role, hash);
        const before = byHash.get(hash) as Row | undefined;
        // The live set keeps that role when it is also announced as the next one.
        const stands = before !== undefined && before.until === null;
        if (stands && (before.role === role || role === 'next')) return;
        put.run(hash, role, version.who, now, version.commit, filesText(version.files));
      });
    },

    end(role, now) {
      endAll.run(now, role, '');
    },

    list: (limit) => (newest.all(limit) as Row[]).map(versionOf),

    find(hash) {
      const row = byHash.get(hash) as Row | undefined;
      return row === undefined ? null : versionOf(row);
    },

    file(key) {
      const found = parts.all(key) as { content: Uint8Array }[];
      return found.length === 0 ? null : Buffer.concat(found.map(({ content }) => content));
    },

    prune(before, keep, now) {
      return inTransaction(database, () => {
        const removed = over.all(before, keep) as { hash: string }[];
        for (const { hash } of removed) remove.run(hash);
        const named = new Set(
          (allFiles.all() as Row[]).flatMap(({ files }) => filesOf(files).map(({ key }) => key)),
        );
        for (const row of oldKeys.all(now - UNNAMED_FILES_KEPT_MS) as { key: string }[]) {
          if (!named.has(row.key)) removeFile.run(row.key);
        }
        return removed.length;
      });
    },
  };
}
