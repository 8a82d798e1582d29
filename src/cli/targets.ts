/**
 * `referee targets`: shows which targets rest, and puts one to rest or wakes it, through the API.
 */
import type { Command } from 'commander';
import { counted } from '../core/counted.ts';
import { targetsCsv } from '../http/api/overriding/override-csv.ts';
import type { OverrideJson } from '../http/api/overriding/overrides.ts';
import { TARGETS } from '../http/api/overriding/targets-schemas.ts';
import { type ListedOverridable, overrideWords, overridingCommand } from './overriding.ts';
import type { Io } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

interface Listed {
  name: string;
  resting: boolean;
  why: string | null;
  override: OverrideJson | null;
  /** Only present in the list. */
  failures_in_row?: number;
  rest?: 'on' | 'off';
}

export const OVERRIDABLE_TARGETS: ListedOverridable<typeof TARGETS, Listed> = {
  command: 'targets',
  noun: 'target',
  help: {
    command: 'list the targets of the running server and which of them rest; rest or wake one',
    name: 'the target; without it all are listed',
    state: 'rest, awake, or auto, which ends an override and forgets earlier failures',
    until: 'automatic again',
  },
  states: new Map([
    ['rest', true],
    ['awake', false],
    ['auto', null],
  ]),
  field: 'on',
  key: 'targets',
  schema: TARGETS,
  csv: targetsCsv,
  path: (name) => `/v1/targets/${name}/rest`,
  line(target, io, utc) {
    const { green, red, dim } = colours(io);
    const state = target.resting ? red('rests') : green('awake');
    return `${state} ${plain(target.name)}  ${dim(plain(wordsOf(target, utc)))}\n`;
  },
};

function wordsOf({ override, why, failures_in_row = 0, rest }: Listed, utc: boolean): string {
  if (override !== null) return overrideWords(override, { ends: 'somebody ends it', utc });
  if (why !== null) return why;
  if (rest === 'off') return 'never rests (rest: off)';
  if (failures_in_row === 0) return 'no failures';
  return `${counted(failures_in_row, 'failure')} in a row`;
}

export function targetsCommand(program: Command, io: Io): void {
  overridingCommand(program, OVERRIDABLE_TARGETS, io);
}
