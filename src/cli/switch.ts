/** `referee switch`: shows the switches of the running server, and turns them, by its API. */
import type { Command } from 'commander';
import { withEnvFile } from '../config/config.ts';
import { notAMoment, readMoment } from '../core/iso-time.ts';
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
const TIMEOUT_MS = 10_000;

export function switchCommand(program: Command, io: Io): void {
  const command = program
    .command('switch')
    .description('list the switches of the running server, or turn one on or off by hand')
    .argument('[name]', 'the switch; without it all are listed')
    .argument('[state]', 'on, off, or default, which ends what was turned')
    .option('--until <time>', 'back to the default then; ISO 8601 with its zone')
    .option('--reason <text>', 'why, for the other operators')
    .option(
      '--server <url>',
      'where the server serves its API; default: REFEREE_URL, otherwise HOST and ADMIN_PORT or PORT',
    )
    .option('--json', 'what the API answers')
    .addHelpText(
      'after',
      '\nIt needs REFEREE_TOKEN or ADMIN_TOKEN.\nExit code: 0 done, 1 refused or failed, 2 wrong usage.',
    );
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
  const env = withEnvFile(io.env);
  const token = env.REFEREE_TOKEN || env.ADMIN_TOKEN;
  if (!token) return refuse(io, 'set REFEREE_TOKEN or ADMIN_TOKEN to a token of the server', 1);
  const server = options.server ?? (env.REFEREE_URL || ownAddress(env));
  const turns = name !== undefined && state !== undefined;
  const { until = null, reason = null } = options;
  try {
    const path = turns ? `/v1/switches/${encodeURIComponent(name)}` : '/v1/switches';
    const answer = await fetch(new URL(path, server), {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(turns
        ? { method: 'POST', body: JSON.stringify({ on: WORDS.get(state), until, reason }) }
        : {}),
    });
    const body = (await answer.json()) as { detail?: string };
    if (!answer.ok) return refuse(io, body.detail ?? `${server} answered ${answer.status}`, 1);
    if (turns) return show([{ ...(body as Listed), name }], body, options, io);
    const { switches } = body as { switches: Listed[] };
    const wanted = switches.filter((one) => name === undefined || one.name === name);
    if (name !== undefined && wanted.length === 0) {
      const known = switches.map((one) => one.name).join(', ') || 'none';
      return refuse(io, `no switch is called ${JSON.stringify(name)}; known: ${known}`, 1);
    }
    return show(wanted, { switches: wanted }, options, io);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refuse(io, `${server} does not answer: ${why}; is the server running there?`, 1);
  }
}

function wrongUsage(
  name: string | undefined,
  state: string | undefined,
  { until, reason, server }: SwitchOptions,
): string | null {
  if (server !== undefined && !/^https?:\/\//.test(server)) {
    return `--server ${server}: expected http://host:port`;
  }
  if (state !== undefined && !WORDS.has(state)) return `${state}: expected on, off or default`;
  if ((name === undefined || state === undefined) && (until ?? reason) !== undefined) {
    return '--until and --reason need a switch and on or off';
  }
  if (until === undefined || readMoment(until) !== null) return null;
  const { problem, hint } = notAMoment(until);
  return `--until: ${problem}; ${hint}`;
}

function ownAddress({ HOST, PORT, ADMIN_PORT }: Record<string, string | undefined>): string {
  const everywhere = HOST === undefined || HOST === '' || HOST === '0.0.0.0' || HOST === '::';
  const host = everywhere ? '127.0.0.1' : HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${ADMIN_PORT || PORT || '3000'}`;
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
