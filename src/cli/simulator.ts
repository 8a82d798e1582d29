/**
 * `referee simulator`: the Telnyx simulator as its own process, for a server to use and for placing
 * calls interactively.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { InvalidConfiguration } from '../errors.ts';
import { askedNumber } from '../routing/numbers/national.ts';
import { readAccountFile } from '../simulator/account/file.ts';
import { FAULT_KINDS, type Faults, ratesOf } from '../simulator/faults.ts';
import type { CallScript } from '../simulator/script.ts';
import { SCRIPTS } from '../simulator/scripts.ts';
import {
  type Activity,
  createSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../simulator/simulator.ts';
import { isWebhookUrl } from '../simulator/webhook-url.ts';
import { pathOf } from './options/path.ts';
import { givenText } from './options/text.ts';
import { wholeFrom } from './options/whole.ts';
import { watchCalls } from './simulator/call-watch.ts';
import { scriptOf } from './simulator/line.ts';
import { sayer } from './simulator/say.ts';
import { readCalls } from './simulator/typed.ts';
import type { Io } from './terminal/io.ts';
import { stopSignal } from './terminal/stop-signal.ts';
import { plain } from './terminal/terminal.ts';

interface SimulatorCommandOptions {
  webhookUrl: string[];
  port: number;
  apiKey: string;
  seed: number;
  faults: Faults;
  timeScale: number;
  wait: number;
  call?: string;
  to?: string;
  script?: string;
  account?: string;
  json: boolean;
}

/** A fixed port keeps the .env snippet valid from one start to the next. */
const DEFAULT_PORT = 4010;
const WAIT_DEFAULT_SECS = 30;
const PORT_MAX = 65_535;
const SEED_MAX = 999_999_999;
/** A day as seconds: a timer of more than 24 days would fire at once. */
const POSITIVE_MAX = 86_400;
const DEFAULT_WEBHOOK_URLS = ['http://127.0.0.1:3000/webhooks/telnyx'];

const NOT_SIMULATED = `
An application's webhook_api_version, webhook_timeout_secs and first_command_timeout are stored and
returned, so that referee doctor sees them, but they have no effect on its calls: webhooks always
have version 2, and the simulator waits for answers as long as Telnyx does by default.`;

export function simulatorCommand(program: Command, io: Io): void {
  const command = program
    .command('simulator')
    .description('simulate Telnyx on loopback without an account: place calls, accept commands')
    .option(
      '--webhook-url <url...>',
      'where webhooks are sent; several for replicas',
      webhookUrls,
      DEFAULT_WEBHOOK_URLS,
    )
    .option(
      '--port <number>',
      'port of the API; 0: any that is free',
      wholeFrom(0, PORT_MAX),
      DEFAULT_PORT,
    )
    .option('--api-key <key>', 'the key that the API accepts', givenText, 'KEY_simulator')
    .option('--seed <number>', 'decides the signing key and every fault', wholeFrom(0, SEED_MAX), 1)
    .option(
      '--faults <faults>',
      `none, all, or kind=rate,… of ${FAULT_KINDS.join(', ')}`,
      faultsOf,
      'none',
    )
    .option('--time-scale <factor>', 'factor for all scripted durations', positiveNumber, 1)
    .option(
      '--wait <seconds>',
      'how long to wait for the first command of a call before giving up with exit code 1',
      positiveNumber,
      WAIT_DEFAULT_SECS,
    )
    .option('--call <from>', 'place one call and exit when it has ended')
    .option('--to <number>', 'the number it calls')
    .option(
      '--script <script>',
      `what happens to it: results of the REFERs in order, and the same of the transfers (completed, busy, no_answer, declined, not_found, not_allowed, server_error, silent, bye, rejected, or a SIP status), or one of ${SCRIPTS.map(({ name }) => name).join(', ')}`,
    )
    .option(
      '--account <file>',
      'YAML file of the account: applications, numbers, faults, …',
      pathOf,
    )
    .option('--json', 'one JSON object per line', false)
    .addHelpText('after', NOT_SIMULATED);
  command.action(async (options: SimulatorCommandOptions) => {
    using stopping = stopSignal(io.env);
    const problem = await runSimulator(options, io, stopping.signal);
    if (problem === null) return;
    const { text, code } = problem;
    command.error(`referee simulator: ${text}`, { exitCode: 1, code });
  });
}

interface SimulatorProblem {
  text: string;
  /** Commander's own codes mean a wrong command line, which exits with 2 instead of 1. */
  code: 'commander.error' | 'referee.failed';
}

const usage = (text: string): SimulatorProblem => ({ text, code: 'commander.error' });
const failure = (text: string): SimulatorProblem => ({ text, code: 'referee.failed' });

/** Resolves with null, or with the reason why it could not run. */
async function runSimulator(
  options: SimulatorCommandOptions,
  io: Io,
  signal: AbortSignal,
): Promise<SimulatorProblem | null> {
  const first = firstCall(options);
  if (typeof first === 'string') return usage(first);
  const say = sayer(options.json, io);
  const watch = watchCalls(options.wait * 1_000, say.problem);
  const onActivity = (activity: Activity): void => {
    watch.heard(activity);
    say.activity(activity);
  };
  const made = makeSimulator(options, onActivity);
  if (typeof made === 'string') return usage(made);
  const simulator = made;
  let apiUrl: string;
  try {
    ({ apiUrl } = await simulator.start());
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return failure(
      `cannot listen on 127.0.0.1:${options.port} (${text}). Choose another with --port.`,
    );
  }
  say.started(simulator, apiUrl, options.webhookUrl);
  try {
    if (first !== null) watch.add(simulator.placeCall(first));
    else if (await readCalls(simulator, io, say, watch, signal)) return null;
    const givenUp = await watch.playOut(simulator, signal);
    return givenUp === 0
      ? null
      : failure(`no command arrived for ${givenUp === 1 ? 'a call' : `${givenUp} calls`}`);
  } finally {
    watch.stop();
    await simulator.stop();
  }
}

function makeSimulator(
  options: SimulatorCommandOptions,
  onActivity: (activity: Activity) => void,
): Simulator | string {
  try {
    return createSimulator({ ...simulatorOptions(options), onActivity });
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.message;
    throw error;
  }
}

function simulatorOptions(options: SimulatorCommandOptions): SimulatorOptions {
  const account = options.account === undefined ? {} : readAccountFile(options.account);
  const { webhookUrl, port, apiKey, seed, faults, timeScale } = options;
  // The key is the same at every start. The ids must differ: a server that kept its database would
  // take the second run's first event for a duplicate.
  return {
    webhookUrl,
    port,
    apiKey,
    seed,
    faults,
    timeScale,
    account,
    salt: `${seed} ${Date.now()}`,
  };
}

function firstCall(options: SimulatorCommandOptions): CallScript | null | string {
  const { call: from, to, script: text } = options;
  if (from === undefined && text === undefined) {
    return to === undefined
      ? null
      : '--to is the number that --call calls: give --call <from> as well.';
  }
  const script = text === undefined ? {} : scriptOf(text);
  if (typeof script === 'string') return script;
  return {
    ...script,
    ...(from === undefined ? {} : { from: askedNumber(from, null) }),
    ...(to === undefined ? {} : { to: askedNumber(to, null) }),
  };
}

/** Commander passes what it has so far, at first the default. */
function webhookUrls(text: string, before: string[]): string[] {
  if (!isWebhookUrl(text)) {
    throw new InvalidArgumentError(`expected http://host:port/path, got "${plain(text)}"`);
  }
  return before === DEFAULT_WEBHOOK_URLS ? [text] : [...before, text];
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number <= POSITIVE_MAX)) {
    throw new InvalidArgumentError(`A number over 0, at most ${POSITIVE_MAX}, is expected.`);
  }
  return number;
}

function faultsOf(text: string): Faults {
  if (text === 'none' || text === 'all') return text;
  const rates = Object.fromEntries(
    text.split(',').map((pair) => {
      const [, kind, rate] = /^\s*(\w+)\s*=\s*([\d.e-]+)\s*$/.exec(pair) ?? [];
      if (kind === undefined) {
        throw new InvalidArgumentError(
          `expected kind=rate, such as api_500=0.1, got "${plain(pair)}"`,
        );
      }
      return [kind, Number(rate)];
    }),
  );
  try {
    return ratesOf(rates);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
