/** `referee switch`: shows the switches of the running server, and turns them, by its API. */
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
  on: boolean;
  override: Override | null;
}

const SWITCHES: Forceable<Listed> = {
  command: 'switch',
  noun: 'switch',
  states: new Map([
    ['on', true],
    ['off', false],
    ['default', null],
  ]),
  listPath: '/v1/switches',
  list: (body) => (body as { switches: Listed[] }).switches,
  forcePath: (name) => `/v1/switches/${name}`,
  forced: (body, name) => ({ ...(body as Listed), name }),
  none: 'The routes have no switches.',
  line({ name, on, override }, io) {
    const { green, red, dim } = colours(io);
    const state = on ? green('on ') : red('off');
    const words = override === null ? 'its default' : overrideWords(override, 'somebody turns it');
    return `${state} ${plain(name)}  ${dim(plain(words))}\n`;
  },
};

export function switchCommand(program: Command, io: Io): void {
  const command = program
    .command('switch')
    .description('list the switches of the running server, or turn one on or off by hand')
    .argument('[name]', 'the switch; without it all are listed')
    .argument('[state]', 'on, off, or default, which ends what was turned');
  forcingOptions(command, 'back to the default');
  command.action(
    async (name: string | undefined, state: string | undefined, options: ForcingOptions) => {
      process.exitCode = await runSwitch(name, state, options, io);
    },
  );
}

/** The exit code. */
export function runSwitch(
  name: string | undefined,
  state: string | undefined,
  options: ForcingOptions,
  io: Io,
): Promise<number> {
  return runForcing(SWITCHES, { name, state }, options, io);
}
