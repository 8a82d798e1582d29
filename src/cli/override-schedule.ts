/** `referee schedule office closed`: overrides a schedule through the API of the running server. */
import type { OverrideJson } from '../http/api/overriding/overrides.ts';
import { type Overridable, overrideWords } from './overriding.ts';
import { colours, plain } from './terminal/terminal.ts';

interface Shown {
  name: string;
  override: (OverrideJson & { open: boolean }) | null;
}

export const OVERRIDABLE_SCHEDULE: Overridable<Shown> = {
  command: 'schedule',
  states: new Map([
    ['open', true],
    ['closed', false],
    ['default', null],
  ]),
  field: 'open',
  path: (name) => `/v1/schedules/${name}/override`,
  line({ name, override }, io, utc) {
    const { green, red, dim } = colours(io);
    if (override === null) return `${plain(name)}  ${dim('follows the routes')}\n`;
    const state = override.open ? green('open  ') : red('closed');
    const words = overrideWords(override, { ends: 'somebody ends it', utc });
    return `${state} ${plain(name)}  ${dim(plain(words))}\n`;
  },
};
