/**
 * `referee schedule`: shows when each schedule opens and closes next, including clock changes and
 * overrides, or forces one open or closed.
 */
import { type Command, Option } from 'commander';
import { isWritable, notAMoment, readMoment } from '../core/iso-time.ts';
import { inForce, type Overrides } from '../core/rules/override.ts';
import type { Schedule } from '../core/rules/rule.ts';
import { type Change, changes, closedBecause, isOpen } from '../core/rules/schedules/schedule.ts';
import { wallText } from '../core/rules/schedules/wall.ts';
import { nextClockChange, offsetMs } from '../core/rules/schedules/zone.ts';
import { schedulesCsv } from '../http/api/overriding/override-csv.ts';
import { scheduleJson } from '../http/api/overriding/schedules.ts';
import { didYouMean } from '../routing/problem.ts';
import { pathOf } from './options/path.ts';
import { givenText } from './options/text.ts';
import { wholeFrom } from './options/whole.ts';
import { OVERRIDABLE_SCHEDULE } from './override-schedule.ts';
import { type OverrideOptions, setOverride } from './overriding.ts';
import { SERVER_OPTION } from './sources/ask-server.ts';
import { readOverrides } from './sources/documents.ts';
import { loadFolder, showProblems } from './sources/routes-folder.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { colours, plain, plainCsv } from './terminal/terminal.ts';

interface ScheduleOptions extends OverrideOptions {
  routes?: string;
  at?: string;
  count: number;
  csv?: boolean;
}

const CHANGES_MAX = 1_000;

export function scheduleCommand(program: Command, io: Io): void {
  program
    .command('schedule')
    .description('show when each schedule opens and closes next, or force one open or closed')
    .argument('[name]', 'one schedule; default: all', givenText)
    .argument(
      '[state]',
      'open, closed, or default, which ends an override; asks the running server',
    )
    .option('--routes <dir>', 'the folder; default: ROUTES_DIR, otherwise routes', pathOf)
    .option('--at <moment>', 'start from this time, ISO 8601 with a zone; default: now')
    .option('--count <number>', 'how many changes to show for each', wholeFrom(1, CHANGES_MAX), 8)
    .option('--until <time>', 'forced until then; ISO 8601 with its zone')
    .option('--reason <text>', 'why it is forced, for the other operators')
    .option(...SERVER_OPTION)
    .addOption(new Option('--json', 'one JSON object').conflicts('csv'))
    .addOption(
      new Option('--csv', 'a line for each schedule, with its next change').conflicts('json'),
    )
    .action(
      async (name: string | undefined, state: string | undefined, options: ScheduleOptions) => {
        process.exitCode =
          name !== undefined && state !== undefined
            ? await override(name, state, options, io)
            : await runSchedule(name, options, io);
      },
    );
}

async function override(
  name: string,
  state: string,
  options: ScheduleOptions,
  io: Io,
): Promise<number> {
  const { routes, at, csv } = options;
  if (csv === true || (routes ?? at) !== undefined) {
    return refuse(
      io,
      '--routes, --at and --csv only show a schedule: leave them or the state out',
      2,
    );
  }
  return setOverride(OVERRIDABLE_SCHEDULE, name, state, options, io);
}

/** Returns the exit code. */
export async function runSchedule(
  name: string | undefined,
  options: ScheduleOptions,
  io: Io,
): Promise<number> {
  const { until, reason, server } = options;
  if ((until ?? reason ?? server) !== undefined) {
    return refuse(
      io,
      '--until, --reason and --server need a schedule and open, closed or default',
      2,
    );
  }
  const fromMs = options.at === undefined ? Date.now() : readMoment(options.at);
  if (fromMs === null) {
    const { problem, hint } = notAMoment(options.at ?? '');
    return refuse(io, `--at: ${problem}; ${hint}`, 2);
  }
  const { dir, loaded } = await loadFolder(options.routes, io, fromMs);
  if (!loaded.ok) {
    io.stderr.write(await showProblems(dir, loaded.problems, 'problem', io));
    return refuse(io, `${dir} has problems, so no schedule is shown`, 1);
  }
  const known = loaded.set.schedules;
  const one = name === undefined ? undefined : known.get(name);
  if (name !== undefined && one === undefined) {
    const nearest = didYouMean(name, [...known.keys()]);
    return refuse(io, `unknown schedule ${JSON.stringify(name)}; ${nearest}`, 1);
  }
  const wanted = one === undefined ? [...known.values()] : [one];
  const overrides = (await readOverrides(io)) ?? {};
  const shown = shownAs(options, wanted, { fromMs, overrides }, io);
  io.stdout.write(shown === '' ? `no schedules in ${plain(dir)}\n` : shown);
  return 0;
}

/** As CSV, JSON, or text, which is empty without a schedule. */
function shownAs(
  { csv, json, count }: ScheduleOptions,
  wanted: Schedule[],
  { fromMs, overrides }: { fromMs: number; overrides: Overrides },
  io: Io,
): string {
  if (csv === true) {
    const schedules = wanted.map((schedule) => scheduleJson(schedule, overrides, fromMs));
    return plainCsv(schedulesCsv({ schedules }));
  }
  const views = wanted.map((schedule) => viewOf(schedule, fromMs, count, overrides));
  if (json === true) return `${jsonText({ schedules: views.map(jsonOf) }, 2)}\n`;
  return views.map((view) => textOf(view, io)).join('\n');
}

interface View {
  schedule: Schedule;
  open: boolean;
  why: string;
  becauseOf: string[];
  changes: Change[];
  /** The next clock change; null if the zone has none soon. */
  clock: { atMs: number; beforeMs: number; afterMs: number } | null;
  overridden: boolean;
}

function viewOf(schedule: Schedule, fromMs: number, count: number, overrides: Overrides): View {
  const change = nextClockChange(schedule.zone, fromMs);
  const override = inForce(overrides.schedules, schedule.name, fromMs);
  return {
    schedule,
    ...isOpen(schedule, fromMs, overrides),
    becauseOf: closedBecause(schedule, fromMs, overrides),
    changes: changes(schedule, fromMs, count, overrides),
    clock: isWritable(change)
      ? {
          atMs: change,
          beforeMs: offsetMs(schedule.zone, change - 1),
          afterMs: offsetMs(schedule.zone, change),
        }
      : null,
    overridden: override !== undefined,
  };
}

function jsonOf(view: View) {
  return {
    name: view.schedule.name,
    zone: view.schedule.zone,
    open: view.open,
    why: view.why,
    closed_because: view.becauseOf,
    overridden: view.overridden,
    switches: view.changes.map(({ atMs, open, why }) => ({
      at: new Date(atMs).toISOString(),
      open,
      why,
    })),
    clock_change: view.clock === null ? null : new Date(view.clock.atMs).toISOString(),
  };
}

function textOf(view: View, io: Io): string {
  const { bold, green, red, dim } = colours(io);
  const word = (open: boolean) => (open ? green('opens ') : red('closes'));
  const lines = [bold(plain(view.why))];
  const entries = view.changes.map(({ atMs, open, why }) => {
    const reason = /\): (.*)$/.exec(why)?.[1];
    return {
      atMs,
      line: `  ${word(open)} ${wallText(view.schedule.zone, atMs)}${reason === undefined ? '' : dim(`  ${plain(reason)}`)}`,
    };
  });
  const last = view.changes.at(-1);
  const { clock } = view;
  if (clock !== null && last !== undefined && clock.atMs <= last.atMs) {
    const minutes = (clock.afterMs - clock.beforeMs) / 60_000;
    const turn = minutes > 0 ? `forward ${minutes}` : `back ${-minutes}`;
    entries.push({
      atMs: clock.atMs,
      line: dim(`  clocks ${turn} min  ${wallText(view.schedule.zone, clock.atMs)}`),
    });
  }
  entries.sort((a, b) => a.atMs - b.atMs);
  lines.push(...entries.map((entry) => entry.line));
  if (entries.length === 0) lines.push(dim('  no change in the foreseeable future'));
  return `${lines.join('\n')}\n`;
}

function refuse(io: Io, why: string, code: number): number {
  io.stderr.write(`referee schedule: ${plain(why)}\n`);
  return code;
}
