/** The bench's command line, as real processes; nothing is measured here. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import type { Figure } from '../bench/figures.ts';
import { type BenchOptions, readOptions } from '../bench/options.ts';
import { jsonOf, textOf } from '../bench/report.ts';

const ROOT = join(import.meta.dirname, '..');
const PEERS = join(ROOT, 'bench/node_modules');

function bench(...args: string[]) {
  const installed = existsSync(PEERS);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bench/main.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    timeout: 20_000,
  });
  expect(existsSync(PEERS)).toBe(installed);
  return { status, stdout, stderr };
}

const help = bench('--help');
const FIGURES = [...(help.stdout.split('measured together:\n')[1] ?? '').matchAll(/[^\s,]+/g)].map(
  ([name]) => name,
);

test('--help says every option and every figure, and measures nothing', () => {
  expect(help).toMatchObject({ status: 0, stderr: '' });
  for (const option of ['--seconds <number>', '--rounds <number>', '--only <figure>', '--json']) {
    expect(help.stdout).toContain(`  ${option} `);
  }
  expect(FIGURES).toEqual(expect.arrayContaining(['durable-over-sdk', 'overload']));
  expect(new Set(FIGURES).size).toBe(FIGURES.length);
});

test('a figure that there is not is answered with those that there are', () => {
  expect(bench('--only', 'durable')).toEqual({
    status: 2,
    stdout: '',
    stderr: `error: option '--only <figure>' argument 'durable' is invalid. One of these is expected: ${FIGURES.join(', ')}.\n`,
  });
});

test.each([
  [
    ['--seconds', 'abc'],
    "option '--seconds <number>' argument 'abc' is invalid. A number over 0, at most 600, is expected.",
  ],
  [
    ['--rounds', '0'],
    "option '--rounds <number>' argument '0' is invalid. A whole number from 1 to 1000 is expected.",
  ],
  [['--round', '3'], "unknown option '--round'"],
])('%j is one line and exit code 2', (args, reason) => {
  const { status, stdout, stderr } = bench(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^error: .*\n(\(Did you mean .*\)\n)?$/);
  expect(stderr).toContain(reason);
});

test.each([
  ['seconds', '0'],
  ['seconds', '-1'],
  ['seconds', '1e3'],
  ['seconds', ''],
  ['seconds', '601'],
  ['seconds', 'Infinity'],
  ['rounds', '1.5'],
  ['rounds', '-1'],
  ['rounds', '1001'],
  ['rounds', '3x'],
])('--%s %j is refused', (option, value) => {
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  expect(() => readOptions([`--${option}=${value}`], [], write)).toThrow(CommanderError);
  expect(written).toEqual([expect.stringContaining(`argument '${value}' is invalid`)]);
});

test('what is good is read', () => {
  expect(readOptions([], [])).toEqual({ seconds: 2, rounds: 5, only: null, json: false });
  expect(
    readOptions(['--seconds', '.5', '--rounds', '1', '--only', 'b', '--json'], [['a'], ['b']]),
  ).toEqual({ seconds: 0.5, rounds: 1, only: 'b', json: true });
});

test('every bench command that the documents show is one that runs', () => {
  const files = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const texts = [...files.map((name) => `docs/${name}`), 'README.md', 'CHANGELOG.md'].map((name) =>
    readFileSync(join(ROOT, name), 'utf8'),
  );
  const shown = texts.flatMap((text) =>
    [...text.matchAll(/npm run bench -- ([^`#\n|]+)/g)].map(([, words = '']) => words.trim()),
  );
  expect(shown.filter((words) => words.includes('--only')).length).toBeGreaterThan(5);
  for (const words of shown) {
    expect(() => readOptions(words.split(/\s+/), [FIGURES]), words).not.toThrow();
  }
});

const figure = (name: string, median: number, goal: Figure['goal'] = null): Figure => ({
  name,
  goal,
  value: { median, low: median / 2, high: median * 2 },
});
const MEASUREMENT = {
  pinned: true,
  groups: [
    {
      lines: ['a', 'b'],
      figures: [figure('a', 2, { atLeast: 3 }), figure('b', 4), figure('x: CPU', 150)],
    },
    { lines: ['c'], figures: [figure('c', 1)] },
  ],
};
const AS_SHIPPED: BenchOptions = { seconds: 2, rounds: 5, only: null, json: true };

test('every figure has the command that measures it, for machines', () => {
  const { figures } = JSON.parse(jsonOf(MEASUREMENT, AS_SHIPPED)) as {
    figures: { name: string; command: string }[];
  };
  expect(figures.map(({ name, command }) => [name, command])).toEqual([
    ['a', 'npm run bench -- --only a'],
    ['b', 'npm run bench -- --only b'],
    ['x: CPU', 'npm run bench -- --only a'],
    ['c', 'npm run bench -- --only c'],
  ]);
});

test('in the table the command stands above its figures, with the options it was run with', () => {
  expect(textOf(MEASUREMENT, { ...AS_SHIPPED, seconds: 0.5, rounds: 1 }).split('\n')).toEqual([
    '$ npm run bench -- --only a --seconds 0.5 --rounds 1',
    'a            2.00               1.00 to 4.00         goal 3 at least, missed',
    'b            4.00               2.00 to 8.00',
    'x: CPU        150               75.00 to 300',
    '',
    '$ npm run bench -- --only c --seconds 0.5 --rounds 1',
    'c            1.00               0.50 to 2.00',
    '',
    'a: 2.00',
    'b: 4.00',
    'c: 1.00',
  ]);
});
