/** `referee switch`: shows the switches of the running server, and turns them, by its API. */
import type { Command } from 'commander';
import { notAMoment, readMoment } from '../core/iso-time.ts';
import { askServer, SERVER_HELP, SERVER_OPTION } from './ask-server.ts';
import { type Io, jsonText } from './io.ts';
import { colours, plain } from './routes-folder.ts';
import { exitsTwoOnUsage } from './usage.ts';

interface SwitchOptions {
  until?: string;
  reason?: string;
  server?: string;
  json?: boolean;
}

interface Listed {
  name: string;
  on: boolean;
  default: boolean;
  override: { until: string | null; reason: string | null; by: string | null } | null;
}

const WORDS = new Map([
  ['on', true],
  ['off', false],
  ['default', null],
]);

export function switchCommand(program: Command, io: Io): void {
  const command = program
    .command('switch')
    .description('list the switches of the running server, or turn one on or off by hand')
    .argument('[name]', 'the switch; without it all are listed')
    .argument('[state]', 'on, off, or default, which ends what was turned')
    .option('--until <time>', 'back to the default then; ISO 8601 with its zone')
    .option('--reason <text>', 'why, for the other operators')
    .option(...SERVER_OPTION)
    .option('--json', 'what the API answers')
    .addHelpText('after', SERVER_HELP);
  exitsTwoOnUsage(command);
  command.action(
    async (name: string | undefined, state: string | undefined, options: SwitchOptions) => {
      process.exitCode = await runSwitch(name, state, options, io);
    },
  );
}

/** The exit code. */
export async function runSwitch(
  name: string | undefined,
  state: string | undefined,
  options: SwitchOptions,
  io: Io,
): Promise<number> {
  const wrong = wrongUsage(name, state, options);
  if (wrong !== null) return refuse(io, wrong, 2);
  const turns = name !== undefined && state !== undefined;
  const { until = null, reason = null, server } = options;
  const answer = await askServer(
    turns
      ? {
          path: `/v1/switches/${encodeURIComponent(name)}`,
          method: 'POST',
          body: { on: WORDS.get(state), until, reason },
        }
      : { path: '/v1/switches' },
    server,
    io,
  );
  if (!answer.ok) return refuse(io, answer.why, answer.wrong ? 2 : 1);
  const { body } = answer;
  if (turns) return show([{ ...(body as Listed), name }], body, options, io);
  const { switches } = body as { switches: Listed[] };
  const wanted = switches.filter((one) => name === undefined || one.name === name);
  if (name !== undefined && wanted.length === 0) {
    const known = switches.map((one) => one.name).join(', ') || 'none';
    return refuse(io, `no switch is called ${JSON.stringify(name)}; known: ${known}`, 1);
  }
  return show(wanted, { switches: wanted }, options, io);
}

function wrongUsage(
  name: string | undefined,
  state: string | undefined,
  { until, reason }: SwitchOptions,
): string | null {
  if (state !== undefined && !WORDS.has(state)) return `${state}: expected on, off or default`;
  if ((name === undefined || state === undefined) && (until ?? reason) !== undefined) {
    return '--until and --reason need a switch and on or off';
  }
  if (until === undefined || readMoment(until) !== null) return null;
  const { problem, hint } = notAMoment(until);
  return `--until: ${problem}; ${hint}`;
}

function show(switches: Listed[], body: unknown, { json }: SwitchOptions, io: Io): number {
  const text =
    switches.length === 0 ? 'The routes have no switches.\n' : switches.map(line).join('');
  io.stdout.write(json === true ? `${jsonText(body, 2)}\n` : text);
  return 0;

  function line({ name, on, override }: Listed): string {
    const { green, red, dim } = colours(io);
    const state = on ? green('on ') : red('off');
    return `${state} ${plain(name)}  ${dim(plain(wordsOf(override)))}\n`;
  }
}

function wordsOf(override: Listed['override']): string {
  if (override === null) return 'its default';
  const { until, reason, by } = override;
  const parts = [until === null ? 'until somebody turns it' : `until ${until}`];
  if (by !== null) parts.push(`by ${by}`);
  return `${parts.join(', ')}${reason === null ? '' : `: ${reason}`}`;
}

function refuse(io: Io, why: string, code: number): number {
  io.stderr.write(`referee switch: ${plain(why)}\n`);
  return code;
}
