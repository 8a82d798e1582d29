/**
 * The live route set. A reload is atomic: an invalid set is refused with its problems and the
 * previous one stays. Live calls keep their plan in any case.
 */
import type { CompiledRoutes } from '../core/rules/decide.ts';
import { RefereeError } from '../errors.ts';
import type { Example } from './example.ts';
import { hashRoutes, type LoadOptions, loadCompiled } from './load.ts';
import type { Problem } from './problem.ts';

export type Reload =
  | { ok: true; hash: string; changed: boolean; warnings: Problem[] }
  /** `hash` is the live set's, not the refused one's; '' where there is none. */
  | { ok: false; hash: string; problems: Problem[] };

interface FolderRoutes<Set extends CompiledRoutes | null> {
  readonly dir: string;
  current(): Set;
  warnings(): Problem[];
  /** Which numbers the live set's examples call. */
  exampleNumbers(): (string | null)[];
  /** Of the current set. */
  examples(): Example[];
  /** The last reload if it was refused; null after a successful one. */
  refusal(): { at: number; problems: Problem[] } | null;
  reload(): Promise<Reload>;
  /**
   * Makes kept files live, checked as a folder is, until the next good reload of the folder. What
   * the folder was refused for stays said.
   */
  activate(files: ReadonlyMap<string, Uint8Array>): Promise<Reload>;
  /** Hash of the last good set of the folder, which is not live after `activate`. */
  folderHash(): string | null;
  /** The files of the current set, once: they may be large, so whoever takes them has them. */
  takeFiles(): ReadonlyMap<string, Uint8Array> | null;
  /** Reloads when the contents change; `onReload` hears of every reload that did something. */
  watch(onReload: (reload: Reload) => void): void;
  /** Gives up a load that is under way; reloads and activations reject from now on. */
  close(): Promise<void>;
}

export type Routes = FolderRoutes<CompiledRoutes>;
/** Null until the folder is good for the first time. */
export type NextRoutes = FolderRoutes<CompiledRoutes | null>;

/** Contents are compared, not times: a symlink swap or a file copied over looks the same to us. */
const WATCH_EVERY_MS = 1_000;

export class InvalidRoutes extends RefereeError {
  readonly problems: Problem[];

  constructor(dir: string, problems: Problem[]) {
    const lines = problems.map(
      ({ file, line, column, message, hint }) =>
        `  - ${file}:${line}:${column} ${message}${hint ? ` (${hint})` : ''}`,
    );
    super(
      'INVALID_ROUTES',
      `The call routes in ${dir} have ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}; run "referee check ${dir}" and fix:\n${lines.join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Rejects with InvalidRoutes where the first set is no good: there is nothing to fall back on. */
export async function openRoutes(dir: string, options: LoadOptions): Promise<Routes> {
  const first = await loadCompiled(dir, options);
  if (!first.ok) throw new InvalidRoutes(dir, first.problems);
  return followFolder(dir, options, first, first.routes);
}

/** A second folder, which nothing depends on: a bad one is refused from the start. */
export async function openNextRoutes(dir: string, options: LoadOptions): Promise<NextRoutes> {
  const first = await loadCompiled(dir, options);
  return followFolder<CompiledRoutes | null>(dir, options, first, first.ok ? first.routes : null);
}

/** To whom another's reload made no difference. */
function unchanged(reload: Reload): Reload {
  return reload.ok ? { ...reload, changed: false } : reload;
}

type Loading = Awaited<ReturnType<typeof loadCompiled>>;

function followFolder<Set extends CompiledRoutes | null>(
  dir: string,
  options: LoadOptions,
  first: Loading,
  set: Set,
): FolderRoutes<Set> {
  let live = set;
  let folderHash = live?.set.hash ?? null;
  let warnings = first.warnings;
  let examples = first.ok ? first.examples : [];
  let files = first.ok ? first.contents : null;
  let referenced = first.referenced;
  let refused: { at: number; problems: Problem[]; hash: string } | null = null;
  let reloading: Promise<unknown> = Promise.resolve();
  /** The last in turn, and it has not begun to read. */
  let waiting: Promise<Reload> | null = null;
  let timer: NodeJS.Timeout | undefined;
  const closing = new AbortController();
  const { signal } = closing;
  if (!first.ok) refuse(first);

  return {
    dir,
    current: () => live,
    warnings: () => warnings,
    exampleNumbers: () => examples.map(({ facts }) => facts.to),
    examples: () => examples,
    refusal: () => refused,
    reload() {
      // It has yet to read the folder, so it answers whoever asks now as well.
      if (waiting !== null) return waiting.then(unchanged);
      const own: Promise<Reload> = inTurn(() => {
        if (waiting === own) waiting = null;
        return once();
      });
      waiting = own;
      return own;
    },
    activate(kept) {
      // A reload that is asked for from now on comes after it.
      waiting = null;
      return inTurn(() => activate(kept));
    },
    folderHash: () => folderHash,
    takeFiles() {
      const taken = files;
      files = null;
      return taken;
    },
    watch(onReload) {
      const look = async () => {
        const seen = await hashRoutes(dir, referenced);
        if (signal.aborted) return;
        const changed = seen !== (refused?.hash ?? folderHash);
        // Rejected if it is closed meanwhile.
        const reload = changed ? await inTurn(once).catch(() => null) : null;
        if (reload !== null) onReload(reload);
        if (!signal.aborted) timer = setTimeout(look, WATCH_EVERY_MS).unref();
      };
      timer = setTimeout(look, WATCH_EVERY_MS).unref();
    },
    async close() {
      closing.abort(new RefereeError('STOPPING', 'the server stops, so no routes are loaded'));
      clearTimeout(timer);
      await reloading;
    },
  };

  /** One after the other: what changed while one was reading is seen by the next. */
  function inTurn(load: () => Promise<Reload>): Promise<Reload> {
    const next = reloading.then(() => {
      signal.throwIfAborted();
      return load();
    });
    reloading = next.catch(() => {});
    return next;
  }

  async function once(): Promise<Reload> {
    const loaded = await loadCompiled(dir, { ...options, signal });
    referenced = loaded.referenced;
    if (!loaded.ok) {
      refuse(loaded);
      return { ok: false, hash: live?.set.hash ?? '', problems: loaded.problems };
    }
    folderHash = loaded.set.hash;
    refused = null;
    return takeOver(loaded);
  }

  async function activate(kept: ReadonlyMap<string, Uint8Array>): Promise<Reload> {
    const loaded = await loadCompiled(kept, { ...options, signal });
    if (loaded.ok) return takeOver(loaded);
    return { ok: false, hash: live?.set.hash ?? '', problems: loaded.problems };
  }

  /**
   * Nothing can fail here: the new set is live. Calendars are expanded around now, so an unchanged
   * folder is taken over as well.
   */
  function takeOver(loaded: Extract<Loading, { ok: true }>): Reload {
    const changed = loaded.set.hash !== live?.set.hash;
    live = loaded.routes as Set;
    warnings = loaded.warnings;
    examples = loaded.examples;
    if (changed) files = loaded.contents;
    return { ok: true, hash: loaded.set.hash, changed, warnings };
  }

  function refuse({ problems, hash }: Extract<Loading, { ok: false }>): void {
    const at = refused?.hash === hash ? refused.at : Date.now();
    refused = { at, problems, hash };
  }
}
