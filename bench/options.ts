/** The bench's command line. */
import { Command, InvalidArgumentError, Option } from 'commander';

export interface BenchOptions {
  /** Duration of one measured slice. */
  seconds: number;
  rounds: number;
  /** The figure to measure, together with its group; null for all. */
  only: string | null;
  json: boolean;
}

const DEFAULTS = { seconds: 2, rounds: 5 };
/** The webhooks of a slice are signed before it begins and wait in memory. */
const SECONDS_MAX = 600;
const ROUNDS_MAX = 1_000;

/**
 * Throws commander's error, whose reason has already been printed, if the options are invalid; its
 * `exitCode` is 0 after `--help`. `groups`: the figures that `--only` accepts, grouped by what is
 * measured together.
 */
export function readOptions(
  argv: string[],
  groups: readonly string[][],
  writeErr: (text: string) => void = (text) => void process.stderr.write(text),
): BenchOptions {
  const command = new Command('npm run bench --')
    .description(
      "our server as it ships against the vendor's way and the bare floor, over loopback alone",
    )
    .option('--seconds <number>', 'length of a measured slice', secondsOf, DEFAULTS.seconds)
    .option('--rounds <number>', 'how often each is measured, in turn', roundsOf, DEFAULTS.rounds)
    .addOption(
      new Option('--only <figure>', 'one figure, with those measured together with it')
        .argParser((text) => figureOf(text, groups.flat()))
        .default(null, 'all, some twelve minutes'),
    )
    .option('--json', 'one JSON document instead of a table', false)
    .addHelpText('after', `\nFigures; those of a line are measured together:\n${listOf(groups)}`)
    .configureOutput({ writeErr })
    .exitOverride();
  return command.parse(argv, { from: 'user' }).opts<BenchOptions>();
}

/** The command that measures this figure again in the same way. */
export function commandOf(only: string, { seconds, rounds }: BenchOptions): string {
  const words = ['npm run bench --', `--only ${only}`];
  if (seconds !== DEFAULTS.seconds) words.push(`--seconds ${seconds}`);
  if (rounds !== DEFAULTS.rounds) words.push(`--rounds ${rounds}`);
  return words.join(' ');
}

function secondsOf(text: string): number {
  const seconds = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(`A number over 0, at most ${SECONDS_MAX}, is expected.`);
}

function roundsOf(text: string): number {
  const rounds = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (rounds >= 1 && rounds <= ROUNDS_MAX) return rounds;
  throw new InvalidArgumentError(`A whole number from 1 to ${ROUNDS_MAX} is expected.`);
}

function figureOf(text: string, names: readonly string[]): string {
  if (names.includes(text)) return text;
  throw new InvalidArgumentError(`One of these is expected: ${names.join(', ')}.`);
}

function listOf(groups: readonly string[][]): string {
  return groups.map((names) => `  ${names.join(', ')}\n`).join('');
}
