/** The command-line options of a soak. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FAULT_KINDS, type Faults, ratesOf } from '../../src/simulator/faults.ts';

export interface SoakOptions {
  calls: number;
  faults: Faults;
  seed: number;
  replicas: number;
  /** Null: SQLite, or with replicas a PostgreSQL started by the soak. */
  database: string | null;
  /** Kill processes at seeded moments and start them again. */
  kill: boolean;
  /** Stop the processes cleanly and start them again, one after another, half-way through. */
  roll: boolean;
  /** Every event to all replicas at once. */
  spread: 'one' | 'all';
  callsPerSecond: number;
  /** Keep logs and database for inspection, even after a good run. */
  keep: boolean;
  /** The path of the program that is the service. */
  program: string;
}

export const DEFAULTS: SoakOptions = {
  calls: 1_000,
  faults: 'all',
  seed: 1,
  replicas: 1,
  database: null,
  kill: false,
  roll: false,
  spread: 'one',
  callsPerSecond: 60,
  keep: false,
  program: fileURLToPath(new URL('../../bin/referee.js', import.meta.url)),
};

export const USAGE = `npm run soak -- [options]
  --calls <number>       how many calls to play (${DEFAULTS.calls})
  --faults <faults>      none, all (default), or kind=rate,… of ${FAULT_KINDS.join(', ')}
  --seed <number>        decides who calls and what goes wrong (${DEFAULTS.seed})
  --replicas <number>    processes of the service; more than one need PostgreSQL (1)
  --database <url>       sqlite (default), embedded (a PostgreSQL of our own), or postgres://…
  --spread one|all       each event to one replica by chance, or to all at once (one)
  --kill                 kill -9 processes at seeded moments and start them again
  --roll                 a rolling restart half-way through
  --rate <number>        calls a second (${DEFAULTS.callsPerSecond})
  --keep                 leave logs and database to be looked at
`;

export function parseOptions(argv: string[]): SoakOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      calls: { type: 'string' },
      faults: { type: 'string' },
      seed: { type: 'string' },
      replicas: { type: 'string' },
      database: { type: 'string' },
      spread: { type: 'string' },
      kill: { type: 'boolean' },
      roll: { type: 'boolean' },
      rate: { type: 'string' },
      keep: { type: 'boolean' },
    },
  });
  const { spread = DEFAULTS.spread } = values;
  if (spread !== 'one' && spread !== 'all') {
    throw new TypeError(`--spread: expected one or all, got ${spread}`);
  }
  const replicas = wholeNumber('replicas', values.replicas, DEFAULTS.replicas, 1);
  const database = databaseOf(values.database, replicas);
  return {
    calls: wholeNumber('calls', values.calls, DEFAULTS.calls, 1),
    faults: faultsOf(values.faults ?? 'all'),
    seed: wholeNumber('seed', values.seed, DEFAULTS.seed, 0),
    replicas,
    database,
    kill: values.kill ?? DEFAULTS.kill,
    roll: values.roll ?? DEFAULTS.roll,
    spread,
    callsPerSecond: wholeNumber('rate', values.rate, DEFAULTS.callsPerSecond, 1),
    keep: values.keep ?? DEFAULTS.keep,
    program: DEFAULTS.program,
  };
}

function wholeNumber(name: string, text: string | undefined, byDefault: number, least: number) {
  if (text === undefined) return byDefault;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least) {
    throw new TypeError(`--${name}: expected a whole number from ${least} on, got ${text}`);
  }
  return number;
}

function databaseOf(text: string | undefined, replicas: number): string | null {
  if (text === undefined) return replicas > 1 ? 'embedded' : null;
  if (text === 'sqlite' || text.startsWith('sqlite:')) {
    if (replicas > 1) throw new TypeError('--database: SQLite is for one process, not replicas');
    return null;
  }
  if (text === 'embedded' || /^postgres(ql)?:\/\//.test(text)) return text;
  throw new TypeError(`--database: expected sqlite, embedded or postgres://…, got ${text}`);
}

function faultsOf(text: string): Faults {
  if (text === 'none' || text === 'all') return text;
  const rates = Object.fromEntries(
    text.split(',').map((pair) => {
      const [kind = '', rate = ''] = pair.split('=');
      return [kind.trim(), rate === '' ? Number.NaN : Number(rate)];
    }),
  );
  // Checked here, so that an unknown fault ends the soak before it begins.
  return ratesOf(rates);
}
