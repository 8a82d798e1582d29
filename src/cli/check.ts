/** `referee check`: reports every problem and warning of a routes folder, and runs its examples. */
import { stat, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { withEnvFile } from '../config/env-file.ts';
import { counted } from '../core/counted.ts';
import {
  type ExampleOutcome,
  type ExampleResult,
  runExamples,
} from '../routing/expected/examples.ts';
import { shortHash } from '../routing/files/content-hash.ts';
import { countOf, type Problem } from '../routing/problem.ts';
import { junitText } from './check-junit.ts';
import { pathOf } from './options/path.ts';
import { problemsOfSettings } from './serve/start-problems.ts';
import { loadFolder, showProblems } from './sources/routes-folder.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

export interface CheckReport {
  ok: boolean;
  hash: string;
  rules: number;
  problems: Problem[];
  warnings: Problem[];
  examples: ExampleResult[];
}

export function checkCommand(program: Command, io: Io): void {
  program
    .command('check')
    .description(
      'report every problem in a routes folder and run its examples; exits with 1 if there are any',
    )
    .argument('[dir]', 'the folder; default: ROUTES_DIR, otherwise routes', pathOf)
    .option('--strict', 'also exit with 1 on warnings')
    .option('--json', 'one JSON object')
    .option('--junit [file]', 'JUnit XML, to a file or to stdout (-, the default)', pathOf)
    .action(async (given: string | undefined, parsed: CheckOptions) => {
      const [dir, options] = await folderAfterJunit(given, parsed);
      if (options.json === true && options.junit === true) {
        io.stderr.write(
          'referee check: --json and --junit both write to stdout: name a file, --junit FILE\n',
        );
        process.exitCode = 2;
        return;
      }
      process.exitCode = await runCheck(dir, options, io);
    });
}

/**
 * `check --junit routes`: no report can be written to a folder, so it is the one to check. `-` is
 * stdout, as everywhere.
 */
async function folderAfterJunit(
  dir: string | undefined,
  options: CheckOptions,
): Promise<[dir: string | undefined, CheckOptions]> {
  const { junit } = options;
  if (junit === '-') return [dir, { ...options, junit: true }];
  if (dir !== undefined || typeof junit !== 'string') return [dir, options];
  const found = await stat(junit).catch(() => null);
  return found?.isDirectory() ? [junit, { ...options, junit: true }] : [dir, options];
}

interface CheckOptions {
  strict?: boolean;
  json?: boolean;
  junit?: string | boolean;
}

/** Returns the exit code. */
export async function runCheck(
  asked: string | undefined,
  options: CheckOptions,
  io: Io,
  nowMs = Date.now(),
): Promise<number> {
  const { dir, loaded } = await loadFolder(asked, io, nowMs);
  // A set that only breaks its guarantees can be played.
  const playable = loaded.ok ? loaded : loaded.playable;
  const { results: examples, warnings: ofExamples } =
    playable === undefined
      ? { results: [], warnings: [] }
      : runExamples(playable.set, playable.examples, nowMs, playable.routes);
  const warnings = [...loaded.warnings, ...ofExamples];
  const strict = options.strict === true;
  const report: CheckReport = {
    ok: loaded.ok && examples.every((example) => example.ok) && !(strict && warnings.length > 0),
    hash: loaded.ok ? loaded.set.hash : loaded.hash,
    rules: loaded.ok ? loaded.set.rules.length : loaded.rules,
    problems: loaded.ok ? [] : loaded.problems,
    warnings,
    examples,
  };
  const junit = () => junitText(dir, report, strict);
  if (typeof options.junit === 'string') {
    const refusal = await writing(options.junit, junit());
    if (refusal !== null) {
      io.stderr.write(`referee check: --junit: ${plain(refusal)}\n`);
      return 2;
    }
  }
  if (options.json === true) io.stdout.write(`${jsonText(report, 2)}\n`);
  else if (options.junit === true) io.stdout.write(junit());
  else io.stdout.write(await reportText(dir, report, io));
  const settings = await problemsOfSettings(withEnvFile(io.env));
  if (settings !== null) {
    io.stderr.write(`referee check: "referee serve" would refuse these settings:\n${settings}\n`);
  }
  return report.ok ? 0 : 1;
}

/** Null if it was written, otherwise why not. */
async function writing(file: string, text: string): Promise<string | null> {
  try {
    await writeFile(file, text);
    return null;
  } catch (error) {
    return `${file} cannot be written: ${(error as Error).message}`;
  }
}

async function reportText(dir: string, report: CheckReport, io: Io): Promise<string> {
  const { bold, red, green, yellow } = colours(io);
  const { problems, warnings, examples } = report;
  let text = await showProblems(dir, problems, 'problem', io);
  text += await showProblems(dir, warnings, 'warning', io);
  const failed = examples.filter((example) => !example.ok);
  for (const example of failed) text += exampleText(dir, example, io);

  const counts = [
    counted(report.rules, 'rule'),
    count(countOf(problems), 'problem', red),
    count(countOf(warnings), 'warning', yellow),
    examples.length === 0
      ? problems.length > 0
        ? 'examples not run'
        : 'no examples'
      : `${examples.length - failed.length} of ${examples.length} examples pass`,
  ];
  const verdict = report.ok ? green('ok') : red('not ok');
  return `${text}${bold(plain(dir))} ${verdict}: ${counts.join(', ')} (${shortHash(report.hash)})\n`;
}

function count(n: number, word: string, paint: (text: string) => string): string {
  return n === 0 ? `no ${word}s` : paint(counted(n, word));
}

function exampleText(dir: string, example: ExampleResult, io: Io): string {
  const { bold, red, cyan } = colours(io);
  const { got, expected } = example;
  const lines = [
    `${bold(`${dir}/${example.file}:${example.line}:${example.column}`)} ${red('example fails')} ${plain(example.name)}`,
  ];
  for (const key of ['rule', 'attempts', 'ends', 'path'] as const) {
    if (!(key in expected)) continue;
    const wanted = inWords(key, expected[key]);
    const came = inWords(key, got[key]);
    if (wanted !== came) lines.push(`  ${key}: expected ${wanted}, got ${plain(came)}`);
  }
  if (got.error !== undefined) lines.push(`  ${cyan('hint:')} ${plain(got.error)}`);
  return `${lines.join('\n')}\n\n`;
}

/** Null is how JSON says that no rule matched, and that a call has not ended. */
function inWords(key: keyof ExampleOutcome, value: ExampleOutcome[typeof key]): string {
  if (value === undefined || value === null) return key === 'rule' ? 'no rule' : 'none';
  return JSON.stringify(value);
}
