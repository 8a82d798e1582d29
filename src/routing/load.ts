/**
 * The operator's folder `routes/` -> a route set, or every problem in it at its place. The server,
 * `check`, `route` and the tests all come through here.
 */
import type { RouteSet } from '../core/rules/rule.ts';
import { buildSet } from './build.ts';
import { decode } from './decode.ts';
import type { Example } from './example.ts';
import { contentHash, readFolder, readReferenced } from './folder.ts';
import { type Problem, Problems } from './problem.ts';
import type { SchemaNode } from './schema/node.ts';
import { ROUTE_FILE_SCHEMA, type RouteFile } from './schema/schema.ts';
import { parseSource } from './source.ts';
import type { Environment } from './targets.ts';

export interface LoadOptions {
  /** Where `${NAME}` of secrets is looked up; the values are not kept. */
  env: Environment;
  /** False: a rule with a handler is a problem, no code of the folder runs. */
  handlers: boolean;
  /** Calendars are expanded around this moment; default now. */
  nowMs?: number;
}

export type LoadResult =
  | {
      ok: true;
      set: RouteSet;
      warnings: Problem[];
      examples: Example[];
      /** Files that the routes name, wherever in the folder they lie. */
      referenced: string[];
    }
  | {
      ok: false;
      problems: Problem[];
      warnings: Problem[];
      /** Of what stands in the folder, so that a refusal can be told from the next. */
      hash: string;
      rules: number;
      referenced: string[];
    };

export async function loadRoutes(dir: string, options: LoadOptions): Promise<LoadResult> {
  const problems = new Problems();
  const folder = await readFolder(dir, problems);

  const files = folder.routeFiles.flatMap((file) => {
    const source = parseSource(file, folder.contents.get(file) ?? new Uint8Array(), problems);
    if (source === null) return [];
    const { value, positions } = decode(
      source,
      ROUTE_FILE_SCHEMA as unknown as SchemaNode,
      problems,
    );
    return [{ file, routes: (value ?? {}) as RouteFile, positions, root: source.root }];
  });
  const referenced = files.flatMap(({ routes }) => referencedFiles(routes));
  for (const name of referenced) await readReferenced(folder, name, problems);

  const hash = contentHash(folder);
  const { set, examples } = buildSet(
    { files, folder, hash, unread: folder.routeFiles.length - files.length },
    { ...options, nowMs: options.nowMs ?? Date.now() },
    problems,
  );
  const sorted = problems.sorted();
  if (sorted.problems.length > 0)
    return { ok: false, ...sorted, hash, rules: set.rules.length, referenced };
  return { ok: true, set, warnings: sorted.warnings, examples, referenced };
}

/** The hash that a load now would have: what a watcher compares, without parsing anything. */
export async function hashRoutes(dir: string, referenced: readonly string[]): Promise<string> {
  const ignored = new Problems();
  const folder = await readFolder(dir, ignored);
  for (const name of referenced) await readReferenced(folder, name, ignored);
  return contentHash(folder);
}

function referencedFiles(routes: RouteFile): string[] {
  const lists = Object.values(routes.lists ?? {}).flatMap((list) =>
    Array.isArray(list) ? [] : [list.file],
  );
  const calendars = Object.values(routes.schedules ?? {})
    .flatMap((schedule) => schedule.closed_ical ?? [])
    .map((calendar) => (typeof calendar === 'string' ? calendar : calendar.file));
  return [...lists, ...calendars];
}
