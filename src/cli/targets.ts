/** `referee targets`: shows which targets rest, and puts one to rest or wakes it, by the API. */
import type { Command } from 'commander';
import {
  type Forceable,
  type ForcingOptions,
  forcingOptions,
  type Override,
  overrideWords,
  runForcing,
} from './forcing.ts';
import type { Io } from './io.ts';
import { colours, plain } from './routes-folder.ts';

interface Listed {
  name: string;
  resting: boolean;
  why: string | null;
  override: Override | null;
  /** Only in the list. */
  failures_in_row?: number;
  rest?: 'on' | 'off';
}

const TARGETS: Forceable<Listed> = {
  command: 'targets',
  noun: 'target',
  states: new Map([
    ['rest', true],
    ['awake', false],
    ['auto', null],
  ]),
  listPath: '/v1/targets',
  list: (body) => (body as { targets: Listed[] }).targets,
  forcePath: (name) => `/v1/targets/${name}/rest`,
  forced: (body, name) => ({ ...(body as Listed), name }),
  none: 'The routes have no targets.',
  line(target, io) {
    const { green, red, dim } = colours(io);
    const state = target.resting ? red('rests') : green('awake');
    return `${state} ${plain(target.name)}  ${dim(plain(wordsOf(target)))}\n`;
  },
};

function wordsOf({ override, why, failures_in_row = 0, rest }: Listed): string {
  if (override !== null) return overrideWords(override, 'somebody ends it');
  if (why !== null) return why;
  if (rest === 'off') return 'never rests (rest: off)';
  if (failures_in_row === 0) return 'no failures';
  return `${failures_in_row} ${failures_in_row === 1 ? 'failure' : 'failures'} in a row`;
}

export function targetsCommand(program: Command, io: Io): void {
  const command = program
    .command('targets')
    .description('list the targets of the running server and which rest; rest or wake one by hand')
    .argument('[name]', 'the target; without it all are listed')
    .argument('[state]', 'rest, awake, or auto, which ends what was forced and begins anew');
  forcingOptions(command, 'by itself again');
  command.action(
    async (name: string | undefined, state: string | undefined, options: ForcingOptions) => {
      process.exitCode = await runTargets(name, state, options, io);
    },
  );
}

/** The exit code. */
export function runTargets(
  name: string | undefined,
  state: string | undefined,
  options: ForcingOptions,
  io: Io,
): Promise<number> {
  return runForcing(TARGETS, { name, state }, options, io);
}
