/**
 * `referee replay`: shows which callers a change of the routes affects. Recorded calls are decided
 * and run again; nothing is sent, written or looked up.
 */
import { type Command, Option } from 'commander';
import { isBLeg, whyApart } from '../core/replay/apart.ts';
import { type Comparison, compareCalls } from '../core/replay/comparison.ts';
import { happened, type Replayed, replay } from '../core/replay/replay.ts';
import type { CompiledRoutes } from '../core/rules/compiled-routes.ts';
import { RefereeError } from '../errors.ts';
import { pathOf } from './options/path.ts';
import { sinceOf } from './options/since.ts';
import { UTC_OPTION } from './options/utc.ts';
import { type CallSource, callsInFile, callsInStore } from './replay/call-source.ts';
import { replayText } from './replay/text.ts';
import { loadFolder, showProblems } from './sources/routes-folder.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { plain, plainLines } from './terminal/terminal.ts';

interface ReplayOptions {
  since?: number;
  calls?: string;
  routes?: string;
  against?: string;
  failOnChange?: boolean;
  utc?: boolean;
  json?: boolean;
}

export function replayCommand(program: Command, io: Io): void {
  const command = program
    .command('replay')
    .description('decide recorded calls again and show which of them would go elsewhere')
    .addOption(
      new Option(
        '--since <time>',
        'only calls since then: ISO 8601 with a zone, or how long ago: 15m, 2h, 7d (default: 7d, or all calls of --calls)',
      ).argParser(sinceOf),
    )
    .option(
      '--calls <file>',
      'calls that `referee calls --export` wrote, - for stdin; default: the store that DATABASE_URL names',
      pathOf,
    )
    .option('--routes <dir>', 'the folder; default: ROUTES_DIR, otherwise routes', pathOf)
    .option(
      '--against <dir>',
      'compare with these routes; default: with what really happened to the calls',
      pathOf,
    )
    .option('--fail-on-change', 'exit 1 if any call would go elsewhere')
    .option(...UTC_OPTION)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Targets answer as they really did, and callers press what they really pressed. A target that was
not tried then is assumed to complete, and named. Nothing is sent, written or asked of anybody;
handlers of the routes do run, as with referee route.
Exit code: 1 if a routes folder has problems, or with --fail-on-change if any call would go
elsewhere; 2 if the command line is wrong or the calls cannot be read; otherwise 0.`,
    );
  command.action(async (options: ReplayOptions) => {
    process.exitCode = await runReplay(options, io);
  });
}

/** The exit code. */
async function runReplay(options: ReplayOptions, io: Io): Promise<number> {
  const routes = await routesIn(options.routes, io);
  if (routes === null) return 1;
  const against = options.against === undefined ? null : await routesIn(options.against, io);
  if (against === null && options.against !== undefined) return 1;
  try {
    const now = Date.now();
    const since = options.since ?? (options.calls === undefined ? now - WEEK_MS : null);
    const source =
      options.calls === undefined
        ? await callsInStore(io, since ?? 0)
        : callsInFile(options.calls, io, since);
    const { comparison, warnings } = await compare(source, { routes, against }, options, io);
    for (const text of warnings) io.stderr.write(`warning: ${plain(text)}\n`);
    io.stdout.write(
      options.json === true
        ? `${jsonText(comparison, 2)}\n`
        : replayText(comparison, { ...options, since, source: source.name }, io),
    );
    return options.failOnChange === true && comparison.differs > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof RefereeError)) throw error;
    io.stderr.write(`referee replay: ${plainLines(error)}\n`);
    return 2;
  }
}

const WEEK_MS = 7 * 24 * 3_600_000;

async function routesIn(asked: string | undefined, io: Io): Promise<CompiledRoutes | null> {
  const { dir, loaded } = await loadFolder(asked, io, Date.now(), { hold: false });
  if (loaded.ok) return loaded.routes;
  io.stderr.write(await showProblems(dir, loaded.problems, 'problem', io));
  io.stderr.write(`referee replay: ${plain(dir)} has problems, so no call is replayed\n`);
  return null;
}

interface Compared {
  comparison: Comparison;
  /** Each distinct warning once. */
  warnings: string[];
}

const WARNINGS_MAX = 5;

async function compare(
  source: CallSource,
  { routes, against }: { routes: CompiledRoutes; against: CompiledRoutes | null },
  options: ReplayOptions,
  io: Io,
): Promise<Compared> {
  const comparing = compareCalls();
  const warnings = new Set<string>();
  const progress = createProgress(options, io);
  try {
    for await (const recorded of source.calls()) {
      if (isBLeg(recorded)) continue;
      const why = whyApart(recorded);
      if (why !== null) comparing.skip(why);
      else {
        const before = against === null ? happened(recorded) : replay(recorded, against);
        const after = replay(recorded, routes);
        comparing.add(recorded, { before, after });
        keepWarnings(warnings, before, after);
      }
      progress.count();
    }
  } finally {
    progress.end();
  }
  return { comparison: comparing.result(), warnings: [...warnings] };
}

function keepWarnings(kept: Set<string>, ...sides: Replayed[]): void {
  for (const { warnings } of sides) {
    for (const text of warnings) if (kept.size < WARNINGS_MAX) kept.add(text);
  }
}

const PROGRESS_EVERY_MS = 200;

/** On a terminal, a progress line that is overwritten. */
function createProgress({ json }: ReplayOptions, io: Io): { count(): void; end(): void } {
  if (!io.isTTY || json === true) return { count() {}, end() {} };
  let calls = 0;
  let shownAt = Date.now();
  return {
    count() {
      calls += 1;
      // Reads the clock only once for every 64 calls.
      if (calls % 64 !== 0 || Date.now() - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = Date.now();
      io.stderr.write(`\r\u001b[KReplaying: ${calls.toLocaleString('en')} calls …`);
    },
    end() {
      io.stderr.write('\r\u001b[K');
    },
  };
}
