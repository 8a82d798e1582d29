/** `referee schedule office closed`: forces a schedule through the API of the running server. */
import { type Forced, type ForceOptions, force, type Override, overrideWords } from './forcing.ts';
import type { Io } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

interface ForcedSchedule {
  name: string;
  override: (Override & { open: boolean }) | null;
}

const FORCED_SCHEDULE: Forced<ForcedSchedule> = {
  command: 'schedule',
  states: new Map([
    ['open', true],
    ['closed', false],
    ['default', null],
  ]),
  field: 'open',
  forcePath: (name) => `/v1/schedules/${name}/override`,
  line({ name, override }, io) {
    const { green, red, dim } = colours(io);
    if (override === null) return `${plain(name)}  ${dim('follows the routes')}\n`;
    const state = override.open ? green('open  ') : red('closed');
    const words = overrideWords(override, 'somebody ends it');
    return `${state} ${plain(name)}  ${dim(plain(words))}\n`;
  },
};

/** Returns the exit code. */
export function forceSchedule(
  name: string,
  state: string,
  options: ForceOptions,
  io: Io,
): Promise<number> {
  return force(FORCED_SCHEDULE, name, state, options, io);
}
