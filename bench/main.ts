/**
 * `npm run bench`: our server as it ships against the vendor's way and the bare floor, in turn in one run,
 * over loopback alone. Prints a table, then each figure as `name: number`; fails where a store does not
 * hold what was sent.
 *
 *     npm run bench -- [--seconds 2] [--rounds 5] [--only durable-over-sdk] [--json]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBench } from './bench.ts';
import { type Figure, GROUPS } from './figures.ts';
import { PINNED } from './processes.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const { only } = values;
const groups = only === undefined ? GROUPS : GROUPS.filter(({ lines }) => lines.includes(only));
if (groups.length === 0) {
  const names = GROUPS.flatMap(({ lines }) => lines).join(', ');
  console.error(`--only ${only}: there is no such figure. One of: ${names}`);
  process.exit(1);
}

installPeers();
const bench = await openBench({
  seconds: Number(values.seconds),
  rounds: Number(values.rounds),
  note: (text) => console.error(`  ${text}`),
});
if (!PINNED) console.error('One core, or no taskset: servers and load share the cores.');
const figures: Figure[] = [];
try {
  for (const { lines, measure } of groups) {
    console.error(lines.join(', '));
    figures.push(...(await measure(bench)));
  }
} finally {
  await bench.close();
}
if (values.json) console.log(JSON.stringify({ pinned: PINNED, figures }, null, 2));
else print(figures);
process.exit(0);

/** The peers stand in a package of their own, so that nobody installs them with the service. */
function installPeers(): void {
  if (existsSync(join(import.meta.dirname, 'node_modules/telnyx'))) return;
  console.error('Installing the peers into bench/node_modules (once) ...');
  const installed = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (installed.status !== 0) throw new Error('npm ci in bench/ failed');
}

function print(all: Figure[]): void {
  const width = Math.max(...all.map(({ name }) => name.length));
  for (const { name, value, unit, goal } of all) {
    const spread = `${short(value.low)} to ${short(value.high)}`;
    const judged = goal === null ? '' : `goal ${goalText(goal)}${isMet(goal, value.median)}`;
    console.log(
      `${name.padEnd(width)}  ${short(value.median).padStart(9)} ${(unit ?? '').padEnd(13)} ${spread.padEnd(20)} ${judged}`.trimEnd(),
    );
  }
  console.log('');
  for (const { name, value } of all) {
    if (/^\S+$/.test(name)) console.log(`${name}: ${short(value.median)}`);
  }
}

function goalText(goal: NonNullable<Figure['goal']>): string {
  return 'atLeast' in goal ? `${goal.atLeast} at least` : `${goal.atMost} at most`;
}

function isMet(goal: NonNullable<Figure['goal']>, value: number): string {
  const met = 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
  return met ? '' : ', missed';
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}
