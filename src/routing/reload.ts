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
  /** `hash` is the live set's, not the refused one's. */
  | { ok: false; hash: string; problems: Problem[] };

export interface Routes {
  current(): CompiledRoutes;
  warnings(): Problem[];
  /** Which numbers the live set's examples call. */
  exampleNumbers(): (string | null)[];
  /** Of the current set. */
  examples(): Example[];
  /** The last reload if it was refused; null after a successful one. */
  refusal(): { at: number; problems: Problem[] } | null;
  reload(): Promise<Reload>;
  /** Reloads when the contents change; `onReload` hears of every reload that did something. */
  watch(onReload: (reload: Reload) => void): void;
  close(): Promise<void>;
}

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
      `The call routes in ${dir} have ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}; run "referee check ${dir}" and mend:\n${lines.join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Rejects with InvalidRoutes where the first set is no good: there is nothing to fall back on. */
export async function openRoutes(dir: string, options: LoadOptions): Promise<Routes> {
  const first = await loadCompiled(dir, options);
  if (!first.ok) throw new InvalidRoutes(dir, first.problems);
  let live = first.routes;
  let warnings = first.warnings;
  let examples = first.examples;
  let referenced = first.referenced;
  let refused: { at: number; problems: Problem[]; hash: string } | null = null;
  let reloading: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  return {
    current: () => live,
    warnings: () => warnings,
    exampleNumbers: () => examples.map(({ facts }) => facts.to),
    examples: () => examples,
    refusal: () => refused,
    reload,
    watch(onReload) {
      const look = async () => {
        const seen = await hashRoutes(dir, referenced);
        if (seen !== (refused?.hash ?? live.set.hash)) onReload(await reload());
        if (!closed) timer = setTimeout(look, WATCH_EVERY_MS).unref();
      };
      timer = setTimeout(look, WATCH_EVERY_MS).unref();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await reloading.catch(() => {});
    },
  };

  /** One after the other: what changed while one was reading is seen by the next. */
  function reload(): Promise<Reload> {
    const next = reloading.then(once, once);
    reloading = next;
    return next;
  }

  async function once(): Promise<Reload> {
    const loaded = await loadCompiled(dir, options);
    referenced = loaded.referenced;
    if (!loaded.ok) {
      const known = refused?.hash === loaded.hash ? refused.at : Date.now();
      refused = { at: known, problems: loaded.problems, hash: loaded.hash };
      return { ok: false, hash: live.set.hash, problems: loaded.problems };
    }
    const changed = loaded.set.hash !== live.set.hash;
    // From here on nothing can fail: the new set is live. Calendars are expanded around now, so an
    // unchanged folder is taken over as well.
    live = loaded.routes;
    warnings = loaded.warnings;
    examples = loaded.examples;
    refused = null;
    return { ok: true, hash: live.set.hash, changed, warnings };
  }
}
