/** `referee switch`: shows the switches of the running server and turns them, through its API. */
import type { Command } from 'commander';
import { switchesCsv } from '../http/api/overriding/override-csv.ts';
import type { OverrideJson } from '../http/api/overriding/overrides.ts';
import { SWITCHES } from '../http/api/overriding/overrides-schemas.ts';
import { type ListedOverridable, overrideWords, overridingCommand } from './overriding.ts';
import type { Io } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

interface Listed {
  name: string;
  on: boolean;
  override: OverrideJson | null;
}

export const OVERRIDABLE_SWITCHES: ListedOverridable<typeof SWITCHES, Listed> = {
  command: 'switch',
  noun: 'switch',
  help: {
    command: 'list the switches of the running server, or turn one on or off',
    name: 'the switch; without it all are listed',
    state: 'on, off, or default, which ends an override',
    until: 'back to the default',
  },
  states: new Map([
    ['on', true],
    ['off', false],
    ['default', null],
  ]),
  field: 'on',
  key: 'switches',
  schema: SWITCHES,
  csv: switchesCsv,
  path: (name) => `/v1/switches/${name}`,
  line({ name, on, override }, io, utc) {
    const { green, red, dim } = colours(io);
    const state = on ? green('on ') : red('off');
    const ends = 'somebody turns it';
    const words = override === null ? 'its default' : overrideWords(override, { ends, utc });
    return `${state} ${plain(name)}  ${dim(plain(words))}\n`;
  },
};

export function switchCommand(program: Command, io: Io): void {
  overridingCommand(program, OVERRIDABLE_SWITCHES, io);
}
