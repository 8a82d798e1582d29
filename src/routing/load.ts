/**
 * Loads the operator's folder `routes/` into a route set, or returns every problem with its
 * position. The server, `check`, `route` and the tests use it.
 */
import { setTimeout } from 'node:timers/promises';
import { type CompiledRoutes, compileInSlices } from '../core/rules/compiled-routes.ts';
import type { RouteSet } from '../core/rules/rule.ts';
import { buildSet } from './build.ts';
import { decode } from './decode/decode.ts';
import type { DecodedFile } from './decoded-set.ts';
import type { LocatedGuarantee } from './expected/build-guarantees.ts';
import type { Example } from './expected/example.ts';
import { exampleCalls, holdGuarantees } from './expected/guarantees.ts';
import { contentHash, UNREADABLE } from './files/content-hash.ts';
import {
  changedMeanwhile,
  type Folder,
  isRouteFile,
  keptFolder,
  readFolder,
  readReferenced,
} from './files/folder.ts';
import { parseSource } from './files/source.ts';
import { openHandlers } from './handlers/handlers.ts';
import { type Place, type Problem, Problems } from './problem.ts';
import type { SchemaNode } from './schema/node.ts';
import { ROUTE_FILE_SCHEMA, type RouteFile } from './schema/schema.ts';
import { inSlices } from './slices.ts';
import type { Environment } from './targets/targets.ts';

export interface LoadOptions {
  /** Where the `${NAME}` of secrets is looked up; the values are not kept. */
  env: Environment;
  /** False: no code in the folder is run, and a rule with a handler is a problem. */
  handlers: boolean;
  /** How often a call asks a handler that misses its time limit; default once. */
  handlerTries?: number;
  /** What to do if there is no such folder; default: to set ROUTES_DIR. */
  naming?: string;
  /** Calendars are expanded around this moment; default now. */
  nowMs?: number;
  /** If aborted, the load rejects, because the set is no longer wanted. */
  signal?: AbortSignal;
}

export interface Loaded {
  ok: true;
  set: RouteSet;
  warnings: Problem[];
  examples: Example[];
  guarantees: LocatedGuarantee[];
  /** Files that the routes refer to, anywhere in the folder. */
  referenced: string[];
  /** The contents of all files that were read. */
  contents: ReadonlyMap<string, Uint8Array>;
}

/** The folder's path, or stored files. */
type RouteFiles = string | ReadonlyMap<string, Uint8Array>;

export interface Refused {
  ok: false;
  problems: Problem[];
  warnings: Problem[];
  /** Hash of the refused contents, to tell one refusal from the next. */
  hash: string;
  rules: number;
  referenced: string[];
  /** Only its guarantees are broken, or could not be checked. */
  playable?: Playable;
}

/** Loaded routes that calls can be played through. */
export type Playable = Loaded & { routes: CompiledRoutes };

export type LoadResult = Loaded | Refused;

/**
 * Never throws unless aborted. An unexpected error becomes a problem of the set, so that the server
 * keeps the last good set, and the command line reports it.
 */
export async function loadRoutes(source: RouteFiles, options: LoadOptions): Promise<LoadResult> {
  for (let tries = 1; ; tries += 1) {
    const problems = new Problems();
    // What is known about the folder, however far the load got.
    const known = { hash: UNREADABLE, rules: 0, referenced: [] as string[] };
    try {
      const read = await readFiles(source, options, problems, known);
      const changed = await changedMeanwhile(read.folder);
      if (changed !== null && tries < TRIES_MAX) {
        await setTimeout(TRY_AGAIN_MS);
        continue;
      }
      if (changed !== null) read.troubles.problem(...restless(changed));
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

/**
 * How often to read again when the folder changes meanwhile: a mix of old and new files is not a
 * set.
 */
const TRIES_MAX = 10;
const TRY_AGAIN_MS = 200;

function restless(file: string): [Place, string, string] {
  return [
    { file, line: 1, column: 1 },
    'changes while it is read',
    'reload once nothing writes to the folder',
  ];
}

/**
 * Loads a set, compiles it and checks its guarantees; an error in any of that becomes a problem.
 */
export async function loadCompiled(
  source: RouteFiles,
  options: LoadOptions & {
    /** False: guarantees are not checked here; `referee prove` does that itself. */
    hold?: boolean;
  },
): Promise<Playable | Refused> {
  const loaded = await loadRoutes(source, options);
  if (!loaded.ok) return loaded;
  const { set, warnings, referenced, guarantees } = loaded;
  const problems = new Problems();
  let playable: Refused['playable'];
  try {
    const routes = await inSlices(compileInSlices(set), options.signal);
    playable = { ...loaded, routes };
    if (options.hold !== false) {
      const examples = exampleCalls(loaded.examples, options.nowMs ?? Date.now());
      await holdGuarantees(routes, guarantees, examples, problems);
    }
    if (problems.problems.length === 0) return playable;
  } catch (error) {
    options.signal?.throwIfAborted();
    refuse(problems, error);
  }
  const { hash } = set;
  const refused = { hash, rules: set.rules.length, referenced, ...(playable && { playable }) };
  return { ok: false, ...problems.sorted(), warnings, ...refused };
}

function refuse(problems: Problems, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  problems.problem(
    { file: '.', line: 1, column: 1 },
    `the routes cannot be read: ${why}`,
    'this is a bug in Referee: please report it; changing the routes may avoid it',
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
  /** What could not be read. */
  troubles: Problems;
}

/** Reads all files of the set in the folder, and those that its route files refer to. */
async function readFiles(
  source: RouteFiles,
  { signal, naming }: LoadOptions,
  problems: Problems,
  known: Known,
): Promise<Read> {
  const troubles = new Problems();
  const folder =
    typeof source === 'string' ? await readFolder(source, troubles, naming) : keptFolder(source);
  const files = await inSlices(decodeFiles(folder, problems), signal);
  known.referenced = files.flatMap(({ routes }) => referencedFiles(routes));
  for (const name of known.referenced) await readReferenced(folder, name);
  return { folder, files, troubles };
}

async function build(
  { folder, files, troubles }: Read,
  options: LoadOptions,
  problems: Problems,
  known: Known,
): Promise<Pick<Loaded, 'set' | 'examples' | 'guarantees' | 'contents'>> {
  for (const { message, hint, ...place } of troubles.problems) {
    problems.problem(place, message, hint);
  }
  known.hash = await inSlices(contentHash(folder, troubles.problems), options.signal);
  const handlers = options.handlers
    ? await openHandlers(handlerFiles(files, folder), problems, options.handlerTries)
    : null;
  const unread = [...folder.routeFiles, ...folder.unread.keys()].filter(isRouteFile);
  const building = buildSet(
    { files, folder, hash: known.hash, unread: unread.length - files.length },
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
    // Anything but a map is a problem, and what the file is meant to define is unknown.
    if (source.root !== null && value === undefined) continue;
    files.push({ file, routes: (value ?? {}) as RouteFile, positions });
  }
  return files;
}

/** The handler files that rules use. */
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
