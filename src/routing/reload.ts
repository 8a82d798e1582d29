/**
 * The live route set. A reload is atomic: an invalid set is refused with its problems and the
 * previous one stays. Live calls keep their plan in any case.
 */
import type { CompiledRoutes } from '../core/rules/compiled-routes.ts';
import { RefereeError } from '../errors.ts';
import type { Example } from './expected/example.ts';
import { type Look, lookAgain } from './files/look.ts';
import { type LoadOptions, loadCompiled } from './load.ts';
import { type Problem, problemsText } from './problem.ts';

export type Reload =
  | { ok: true; hash: string; changed: boolean; warnings: Problem[] }
  /** `hash` is that of the live set, not of the refused one; '' if there is no live set. */
  | { ok: false; hash: string; problems: Problem[] };

interface FolderRoutes<Set extends CompiledRoutes | null> {
  readonly dir: string;
  current(): Set;
  warnings(): Problem[];
  /** The numbers that the live set's examples call. */
  exampleNumbers(): (string | null)[];
  /** The examples of the live set. */
  examples(): Example[];
  /** The last reload if it was refused; null after a successful one. */
  refusal(): { at: number; problems: Problem[] } | null;
  reload(): Promise<Reload>;
  /**
   * Makes stored files live until the next good reload of the folder, with the same checks as a
   * folder. It does not clear a refusal of the folder.
   */
  activate(files: ReadonlyMap<string, Uint8Array>): Promise<Reload>;
  /** Hash of the last good set of the folder, which is not live after `activate`. */
  folderHash(): string | null;
  /** The files of the live set. They may be large, so they are only given out once and not kept. */
  takeFiles(): ReadonlyMap<string, Uint8Array> | null;
  /** Reloads when the contents change, and calls `onReload` for every reload. */
  watch(onReload: (reload: Reload) => void): void;
  /** Aborts a load in progress; reloads and activations reject from now on. */
  close(): Promise<void>;
}

export type Routes = FolderRoutes<CompiledRoutes>;
/** `current()` is null until the folder has loaded successfully once. */
export type NextRoutes = FolderRoutes<CompiledRoutes | null>;

/**
 * Contents decide, not times, so that a swapped symlink and an overwritten file both count. Times
 * only say whether the contents need not be read again.
 */
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
      `The call routes in ${dir} have ${problems.length === 1 ? 'a problem' : problemsText(problems)}; run "referee check ${dir}" and fix:\n${lines.join('\n')}`,
    );
    this.problems = problems;
  }
}

/**
 * Rejects with InvalidRoutes if the first set is invalid, because there is nothing to fall back on.
 */
export async function openRoutes(dir: string, options: LoadOptions): Promise<Routes> {
  const first = await loadCompiled(dir, options);
  if (!first.ok) throw new InvalidRoutes(dir, first.problems);
  return followFolder(dir, options, first, first.routes);
}

/**
 * Opens the folder of ROUTES_NEXT_DIR, which no call depends on, so an invalid first set is only
 * refused.
 */
export async function openNextRoutes(dir: string, options: LoadOptions): Promise<NextRoutes> {
  const first = await loadCompiled(dir, options);
  return followFolder<CompiledRoutes | null>(dir, options, first, first.ok ? first.routes : null);
}

/** The result for a caller who joined another's reload: it reports no change of its own. */
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
  /** The last queued reload, while it has not begun to read. */
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
      // It has not read the folder yet, so its result is also right for this request.
      if (waiting !== null) return waiting.then(unchanged);
      const own: Promise<Reload> = inTurn(() => {
        if (waiting === own) waiting = null;
        return once();
      });
      waiting = own;
      return own;
    },
    activate(kept) {
      // A reload requested from now on must run after this activation.
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
      let last: Look | null = null;
      const look = async () => {
        last = await lookAgain(dir, referenced, last);
        if (signal.aborted) return;
        const changed = last.hash !== (refused?.hash ?? folderHash);
        // Rejects if the routes are closed meanwhile.
        const reload = changed ? await inTurn(() => once(true)).catch(() => null) : null;
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

  /** Runs loads one at a time: a change during one load is seen by the next. */
  function inTurn(load: () => Promise<Reload>): Promise<Reload> {
    const next = reloading.then(() => {
      signal.throwIfAborted();
      return load();
    });
    reloading = next.catch(() => {});
    return next;
  }

  async function once(isWatch = false): Promise<Reload> {
    const loaded = await loadCompiled(dir, { ...options, signal });
    referenced = loaded.referenced;
    if (!loaded.ok) {
      refuse(loaded);
      return { ok: false, hash: live?.set.hash ?? '', problems: loaded.problems };
    }
    const isSame = loaded.set.hash === folderHash;
    folderHash = loaded.set.hash;
    refused = null;
    // A folder that was unreadable for a moment and is what it was does not end an activation.
    if (isWatch && isSame && live !== null && live.set.hash !== folderHash) {
      return { ok: true, hash: live.set.hash, changed: false, warnings };
    }
    return takeOver(loaded);
  }

  async function activate(kept: ReadonlyMap<string, Uint8Array>): Promise<Reload> {
    const loaded = await loadCompiled(kept, { ...options, signal });
    if (loaded.ok) return takeOver(loaded);
    return { ok: false, hash: live?.set.hash ?? '', problems: loaded.problems };
  }

  /**
   * Makes the new set live; nothing here can fail. This also applies to an unchanged folder,
   * because its calendars were expanded around the current time.
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
