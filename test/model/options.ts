/** The command-line options of the long search. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { PLANS, WORLDS } from './plans.ts';

export const USAGE = `npm run prove:machine -- [options]
  --minutes <number>     how long to search (10); also --hours, --seconds
  --plan <name>          one plan only
  --world <name>         one world only
  --faults <numbers>     how many faults a story may have (0,1,2; with --states 1,2,3)
  --states <number>      explore each plan in each world until it has seen so many states
  --drawn <number>       explore so many plans that are drawn by lot, 8,000 states each
  --seed <number>        of the first exploration (1); without --states it explores instead of searching
  --processes <number>   how many at a time (one for each core)
`;

/** Throws if an option is unknown, or names a plan or world that is none. */
export function parseOptions(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: { type: 'string', default: '10' },
      hours: { type: 'string' },
      seconds: { type: 'string' },
      plan: { type: 'string' },
      world: { type: 'string' },
      faults: { type: 'string' },
      seed: { type: 'string' },
      states: { type: 'string' },
      drawn: { type: 'string' },
      processes: { type: 'string', default: String(availableParallelism()) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  known('plan', values.plan, PLANS);
  known('world', values.world, WORLDS);
  return values;
}

function known(option: string, name: string | undefined, all: Record<string, unknown>): void {
  if (name === undefined || Object.hasOwn(all, name)) return;
  throw new Error(`--${option} "${name}" is none of: ${Object.keys(all).join('; ')}`);
}
