/** `referee schedule office closed`: forces a schedule through the API of the running server. */
import { notAMoment, readMoment } from '../core/iso-time.ts';
import { type Override, overrideWords } from './forcing.ts';
import { askServer } from './sources/ask-server.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

/** The names of the states, and the API's value of `open` for each. */
const STATES: ReadonlyMap<string, boolean | null> = new Map([
  ['open', true],
  ['closed', false],
  ['default', null],
]);

export interface ForceOptions {
  until?: string;
  reason?: string;
  server?: string;
  json?: boolean;
}

interface Forced {
  schedule: string;
  override: (Override & { open: boolean }) | null;
}

/** Returns the exit code. */
export async function forceSchedule(
  name: string,
  state: string,
  { until, reason, server, json = false }: ForceOptions,
  io: Io,
): Promise<number> {
  const open = STATES.get(state);
  if (open === undefined) return refuse(io, `${state}: expected open, closed or default`);
  if (until !== undefined && readMoment(until) === null) {
    const { problem, hint } = notAMoment(until);
    return refuse(io, `--until: ${problem}; ${hint}`);
  }
  return askServer({ command: 'schedule', server, io }, async (api) => {
    const path = `/v1/schedules/${encodeURIComponent(name)}/override`;
    const done = (await api.post(path, {
      open,
      until: until ?? null,
      reason: reason ?? null,
    })) as Forced;
    io.stdout.write(json ? `${jsonText(done, 2)}\n` : lineOf(done, io));
  });
}

function lineOf({ schedule, override }: Forced, io: Io): string {
  const { green, red, dim } = colours(io);
  if (override === null) return `${plain(schedule)}  ${dim('follows the routes')}\n`;
  const state = override.open ? green('open  ') : red('closed');
  const words = overrideWords(override, 'somebody ends it');
  return `${state} ${plain(schedule)}  ${dim(plain(words))}\n`;
}

function refuse(io: Io, why: string): number {
  io.stderr.write(`referee schedule: ${plain(why)}\n`);
  return 2;
}
