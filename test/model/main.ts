/**
 * `npm run prove:machine`: the long search, on all cores; `--help` lists its options. Prints each
 * plan in each world with what was visited; exits 1 where an invariant is broken or a situation
 * that must occur did not, and keeps the story of a broken one under test/model/found/.
 *
 * `--states 60000` only explores, as the suite does but deeper: each plan in each world with 1, 2
 * and 3 faults, until it has seen so many states.
 *
 * `--drawn 400` explores so many plans that are drawn by lot, each in a drawn world until it has
 * seen 8,000 states; `--seed` is that of the first, `--states` another number.
 */
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chanceOf } from './chance.ts';
import { drawnSetting } from './drawn.ts';
import { parseOptions, USAGE } from './options.ts';
import { explorationsOf, MUST_OCCUR, PLANS, settingOf, WORLDS } from './plans.ts';
import { explore, replay, search } from './search.ts';
import type { Setting } from './world.ts';

interface Task {
  plan: string;
  world: string;
  faults: number;
  seconds: number;
  /** Null: searched, not explored. Where the world is drawn, it draws plan and faults as well. */
  seed: number | null;
  /** The number of states that an exploration sees; null: until its time is over. */
  states: number | null;
}

interface Result {
  task: Task;
  states: number;
  depth: number;
  exhausted: boolean;
  found: { violation: string; story: string[] } | null;
  happened: [string, number][];
}

const DRAWN = 'drawn';
const STATES_OF_DRAWN = 8_000;
/** Where states are counted instead: a week, because a message to a child cannot say Infinity. */
const NO_LIMIT_S = 7 * 24 * 3_600;

if (process.send === undefined) await main();
else process.on('message', (task: Task) => process.send?.(run(task)));

function run(task: Task): Result {
  const { seconds, seed, states } = task;
  const { setting, faults } = settingOfTask(task);
  const most = states ?? Number.POSITIVE_INFINITY;
  const limits = { states: most, until: Date.now() + seconds * 1000 };
  const report =
    seed === null
      ? search(setting, faults, limits)
      : explore(setting, faults, limits, chanceOf(seed));
  return { ...report, task, happened: [...report.happened] };
}

function settingOfTask({ plan, world, faults, seed }: Task): { setting: Setting; faults: number } {
  if (world === DRAWN && seed !== null) return drawnSetting(seed);
  const unknowns = WORLDS[world];
  if (unknowns === undefined) throw new Error(`no world ${world}`);
  return { setting: settingOf(plan, unknowns), faults };
}

function drawnTask(seed: number, states: number | null) {
  const { setting, faults } = drawnSetting(seed);
  return { plan: setting.name, world: DRAWN, faults, seed, states };
}

/** Null after the usage was printed: because it was asked for, or the command line is wrong. */
function optionsOrSay(argv: string[]): ReturnType<typeof parseOptions> | null {
  try {
    const values = parseOptions(argv);
    if (!values.help) return values;
    process.stdout.write(USAGE);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return null;
}

async function main(): Promise<void> {
  const values = optionsOrSay(process.argv.slice(2));
  if (values === null) return;
  const processes = Number(values.processes);
  const plans = values.plan === undefined ? Object.keys(PLANS) : [values.plan];
  const worlds = values.world === undefined ? Object.keys(WORLDS) : [values.world];
  const drawn = Number(values.drawn ?? 0);
  const usualStates = drawn === 0 ? null : STATES_OF_DRAWN;
  const states = values.states === undefined ? usualStates : Number(values.states);
  const usual = states === null ? '0,1,2' : '1,2,3';
  const faults = (values.faults ?? usual).split(',').map(Number);
  const each = (numbers: number[]) =>
    numbers.flatMap((k) =>
      plans.flatMap((plan) => worlds.map((world) => ({ plan, world, faults: k }))),
    );
  let seed = values.seed === undefined ? (states === null ? null : 1) : Number(values.seed);
  // A search may not reach every situation in its share of the time, but explorations do.
  const isWhole =
    drawn === 0 &&
    values.plan === undefined &&
    values.world === undefined &&
    values.seed === undefined;
  const explored = isWhole && states === null ? plans.flatMap(explorationsOf) : [];
  const asked =
    values.seconds !== undefined
      ? Number(values.seconds)
      : (values.hours === undefined ? Number(values.minutes) : Number(values.hours) * 60) * 60;
  const endsAt = Date.now() + (states === null ? asked : NO_LIMIT_S) * 1000;
  const results: Result[] = [];
  const waiting = [
    ...explored,
    ...(drawn === 0 ? each(faults) : []).map((searched) => ({ ...searched, seed: null, states })),
    ...Array.from({ length: drawn }, (_, n) => drawnTask((seed ?? 1) + n, states)),
  ];
  await Promise.all(Array.from({ length: processes }, () => worker()));
  process.exitCode = conclude(results, isWhole ? MUST_OCCUR : []);

  async function worker(): Promise<void> {
    const child = fork(import.meta.filename);
    for (;;) {
      const left = (endsAt - Date.now()) / 1000;
      const next = waiting.shift();
      if (next === undefined || left <= 0) break;
      // Time that one search does not use is shared among the others.
      const seconds = Math.max(1, (left * processes) / (waiting.length + processes));
      const result = await new Promise<Result>((resolve, reject) => {
        child.once('message', (message) => resolve(message as Result));
        child.once('error', reject);
        child.send({ ...next, seconds, seed: next.seed ?? (seed === null ? null : seed++) });
      });
      child.removeAllListeners('error');
      results.push(result);
      tell(result);
    }
    child.disconnect();
  }
}

function tell({ task, states, depth, exhausted, found }: Result): void {
  const { plan, world, faults } = task;
  const limit = task.states === null ? 'cut off by time' : 'explored at random';
  const end = found !== null ? found.violation : exhausted ? 'exhausted' : limit;
  console.log(`${plan} | ${world} | ${faults} faults | ${states} states | depth ${depth} | ${end}`);
  if (found === null) return;
  const { setting } = settingOfTask(task);
  for (const line of replay(found.story, setting, faults).told) console.log(`    ${line}`);
  if (world === DRAWN) {
    // What a seed draws changes with drawn.ts, so a story is kept with a plan of plans.ts.
    console.log(`    ${JSON.stringify(setting)}`);
    return;
  }
  const folder = join(import.meta.dirname, 'found');
  mkdirSync(folder, { recursive: true });
  const name = `${plan} ${world} ${found.violation}`.replace(/[^a-z0-9]+/gi, '-').slice(0, 100);
  const kept = { plan, world, faults, violation: found.violation, story: found.story };
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(kept, null, 2)}\n`);
}

function conclude(results: Result[], mustOccur: string[]): number {
  const happened = new Map<string, number>();
  for (const [name, count] of results.flatMap((result) => result.happened)) {
    happened.set(name, (happened.get(name) ?? 0) + count);
  }
  const states = results.reduce((sum, result) => sum + result.states, 0);
  const exhausted = results.filter((result) => result.exhausted).length;
  const broken = results.filter(({ found }) => found !== null).length;
  console.log(
    `\n${states} states in ${results.length} searches, ${exhausted} of them exhausted, ${broken} broken`,
  );
  console.log('\nSituations that occurred:');
  for (const [name, count] of [...happened].sort()) console.log(`  ${count}  ${name}`);
  const missing = mustOccur.filter((name) => !happened.has(name));
  if (missing.length > 0) {
    console.log(`\nDid not occur, so nothing is proved about it: ${missing.join('; ')}`);
  }
  return broken === 0 && missing.length === 0 ? 0 : 1;
}
