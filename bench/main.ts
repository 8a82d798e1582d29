/**
 * `npm run bench`: compares our server as shipped with the vendor's SDK and with a bare minimum, in
 * turn in one run, over loopback only. Prints a table, then each figure as `name: number`. Fails if
 * a store does not contain what was sent. Exits with 2 if its options are invalid.
 *
 *     npm run bench -- --help
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { openBench } from './bench.ts';
import { GROUPS } from './figures.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { PINNED } from './processes.ts';
import { jsonOf, type MeasuredGroup, textOf } from './report.ts';

const options = optionsOrExit(process.argv.slice(2));
const { only } = options;
const wanted = only === null ? GROUPS : GROUPS.filter(({ lines }) => lines.includes(only));

installPeers();
const bench = await openBench({
  seconds: options.seconds,
  rounds: options.rounds,
  note: (text) => console.error(`  ${text}`),
});
if (!PINNED) console.error('One core, or no taskset: servers and load share the cores.');
const groups: MeasuredGroup[] = [];
try {
  for (const { lines, measure } of wanted) {
    console.error(lines.join(', '));
    groups.push({ lines, figures: await measure(bench) });
  }
} finally {
  await bench.close();
}
const measurement = { pinned: PINNED, groups };
console.log(options.json ? jsonOf(measurement, options) : textOf(measurement, options));
process.exit(0);

function optionsOrExit(argv: string[]): BenchOptions {
  try {
    const names = GROUPS.map(({ lines }) => lines);
    return readOptions(argv, names);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? 0 : 2);
  }
}

/**
 * The servers to compare with have their own package, so that the service does not install them.
 */
function installPeers(): void {
  if (existsSync(join(import.meta.dirname, 'node_modules/telnyx'))) return;
  console.error('Installing the peers into bench/node_modules (once) ...');
  const installed = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (installed.status !== 0) throw new Error('npm ci in bench/ failed');
}
