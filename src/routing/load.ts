/**
 * Loads the operator's folder `routes/` into a route set, or returns every problem with its
 * position. The server, `check`, `route` and the tests use it.
 */
import { setTimeout } from 'node:timers/promises';
import { type CompiledRoutes, compileInSlices } from '../core/rules/decide.ts';
import type { RouteSet } from '../core/rules/rule.ts';
import { buildSet } from './build.ts';
import type { LocatedGuarantee } from './build-guarantees.ts';
import { decode } from './decode.ts';
import type { DecodedFile } from './decoded-set.ts';
import type { Example } from './example.ts';
import {
  changedMeanwhile,
  contentHash,
  type Folder,
  keptFolder,
  readFolder,
  readReferenced,
} from './folder.ts';
import { exampleCalls, holdGuarantees } from './guarantees.ts';
import { openHandlers } from './handlers/handlers.ts';
import { type Place, type Problem, Problems } from './problem.ts';
import type { SchemaNode } from './schema/node.ts';
import { ROUTE_FILE_SCHEMA, type RouteFile } from './schema/schema.ts';
import { inSlices } from './slices.ts';
import { parseSource } from './source.ts';
import type { Environment } from './targets.ts';

export interface LoadOptions {
  /** Where `${NAME}` of secrets is looked up; the values are not kept. */
  env: Environment;
  /** False: a rule with a handler is a problem, no code of the folder runs. */
  handlers: boolean;
  /** Calendars are expanded around this moment; default now. */
  nowMs?: number;
  /** Aborted: nobody wants the set any more, and the load rejects. */
  signal?: AbortSignal;
}

export interface Loaded {
  ok: true;
  set: RouteSet;
  warnings: Problem[];
  examples: Example[];
  guarantees: LocatedGuarantee[];
  /** Files that the routes name, wherever in the folder they lie. */
  referenced: string[];
  /** Everything that was read, as it was read. */
  contents: ReadonlyMap<string, Uint8Array>;
}

/** The folder, or its files as they were once read. */
export type RouteFiles = string | ReadonlyMap<string, Uint8Array>;

export interface Refused {
  ok: false;
  problems: Problem[];
  warnings: Problem[];
  /** Of what stands in the folder, so that a refusal can be told from the next. */
  hash: string;
  rules: number;
  referenced: string[];
}

export type LoadResult = Loaded | Refused;

/**
 * Never throws, unless it is aborted: an error while a set is read is a problem of that set, so that
 * a server refuses it and keeps the last good one, and the command line says so.
 */
export async function loadRoutes(source: RouteFiles, options: LoadOptions): Promise<LoadResult> {
  for (let tries = 1; ; tries += 1) {
    const problems = new Problems();
    // What is known of the folder, however far the load came.
    const known = { hash: UNREADABLE, rules: 0, referenced: [] as string[] };
    try {
      const read = await readFiles(source, options, problems, known);
      const changed = await changedMeanwhile(read.folder);
      if (changed !== null && tries < TRIES_MAX) {
        await setTimeout(TRY_AGAIN_MS);
        continue;
      }
      if (changed !== null) problems.problem(...restless(changed));
      const built = await build(read, options, problems, known);
      if (problems.problems.length === 0) {
        const { warnings } = problems.sorted();
        return { ok: true, ...built, warnings, referenced: known.referenced };
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      refuse(problems, error);
    }
    return { ok: false, ...problems.sorted(), ...known };
  }
}

/** A deployment is copying into the folder: half of it and half of what was there is no set. */
const TRIES_MAX = 10;
const TRY_AGAIN_MS = 200;

function restless(file: string): [Place, string, string] {
  return [
    { file, line: 1, column: 1 },
    'changes while it is read',
    'load the routes again once nothing writes into the folder',
  ];
}

/** Ready to decide and held to its guarantees; an error on the way there is a problem as well. */
export async function loadCompiled(
  source: RouteFiles,
  options: LoadOptions & {
    /** False: broken guarantees are left to whoever asks; see `referee prove`. */
    hold?: boolean;
  },
): Promise<(Loaded & { routes: CompiledRoutes }) | Refused> {
  const loaded = await loadRoutes(source, options);
  if (!loaded.ok) return loaded;
  const { set, warnings, referenced, guarantees } = loaded;
  const problems = new Problems();
  try {
    const routes = await inSlices(compileInSlices(set), options.signal);
    if (options.hold !== false) {
      const examples = exampleCalls(loaded.examples, options.nowMs ?? Date.now());
      await holdGuarantees(routes, guarantees, examples, problems);
    }
    if (problems.problems.length === 0) return { ...loaded, routes };
  } catch (error) {
    options.signal?.throwIfAborted();
    refuse(problems, error);
  }
  const { hash } = set;
  return { ok: false, ...problems.sorted(), warnings, hash, rules: set.rules.length, referenced };
}

function refuse(problems: Problems, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  problems.problem(
    { file: '.', line: 1, column: 1 },
    `the routes cannot be read: ${why}`,
    'a fault of Referee itself: please report it; a change of the routes may avoid it',
  );
}

interface Known {
  hash: string;
  rules: number;
  referenced: string[];
}

interface Read {
  folder: Folder;
  files: DecodedFile[];
}

/** All of the folder that counts, and what its route files refer to. */
async function readFiles(
  source: RouteFiles,
  { signal }: LoadOptions,
  problems: Problems,
  known: Known,
): Promise<Read> {
  const folder =
    typeof source === 'string' ? await readFolder(source, problems) : keptFolder(source);
  const files = await inSlices(decodeFiles(folder, problems), signal);
  known.referenced = files.flatMap(({ routes }) => referencedFiles(routes));
  for (const name of known.referenced) await readReferenced(folder, name, problems);
  return { folder, files };
}

async function build(
  { folder, files }: Read,
  options: LoadOptions,
  problems: Problems,
  known: Known,
): Promise<Pick<Loaded, 'set' | 'examples' | 'guarantees' | 'contents'>> {
  known.hash = await inSlices(contentHash(folder), options.signal);
  const handlers = options.handlers
    ? await openHandlers(handlerFiles(files, folder), problems)
    : null;
  const building = buildSet(
    { files, folder, hash: known.hash, unread: folder.routeFiles.length - files.length },
    { env: options.env, handlers, nowMs: options.nowMs ?? Date.now() },
    problems,
  );
  const built = await inSlices(building, options.signal);
  known.rules = built.set.rules.length;
  return { ...built, contents: folder.contents };
}

function* decodeFiles(folder: Folder, problems: Problems): Generator<void, DecodedFile[]> {
  const schema = ROUTE_FILE_SCHEMA as unknown as SchemaNode;
  const files: DecodedFile[] = [];
  for (const file of folder.routeFiles) {
    const bytes = folder.contents.get(file) ?? new Uint8Array();
    const source = yield* parseSource(file, bytes, problems);
    if (source === null) continue;
    const { value, positions } = yield* decode(source, schema, problems);
    files.push({ file, routes: (value ?? {}) as RouteFile, positions, root: source.root });
  }
  return files;
}

/** Stands for the hash of a folder that could not be read to its end. */
const UNREADABLE = 'unreadable';

/** The hash that a load now would have: what a watcher compares, without parsing anything. */
export async function hashRoutes(dir: string, referenced: readonly string[]): Promise<string> {
  const ignored = new Problems();
  try {
    const folder = await readFolder(dir, ignored);
    for (const name of referenced) await readReferenced(folder, name, ignored);
    return await inSlices(contentHash(folder));
  } catch {
    return UNREADABLE;
  }
}

/** Those that a rule asks. */
function handlerFiles(files: { routes: RouteFile }[], folder: Folder): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const { handler } of files.flatMap(({ routes }) => routes.rules ?? [])) {
    const bytes = handler === undefined ? undefined : folder.contents.get(handler);
    if (handler !== undefined && bytes !== undefined) found.set(handler, bytes);
  }
  return found;
}

function referencedFiles(routes: RouteFile): string[] {
  const lists = Object.values(routes.lists ?? {}).flatMap((list) =>
    Array.isArray(list) ? [] : [list.file],
  );
  const tables = Object.values(routes.tables ?? {}).map(({ file }) => file);
  const calendars = Object.values(routes.schedules ?? {})
    .flatMap(({ closed_ical = [], open_ical = [] }) => [closed_ical, open_ical].flat())
    .map((calendar) => (typeof calendar === 'string' ? calendar : calendar.file));
  return [...lists, ...tables, ...calendars];
}
