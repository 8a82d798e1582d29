/** Listing what operators may force by hand, and forcing one, by the API of the running server. */
import type { Command } from 'commander';
import { notAMoment, readMoment } from '../core/iso-time.ts';
import { askServer, SERVER_HELP, SERVER_OPTION } from './ask-server.ts';
import { type Io, jsonText } from './io.ts';
import { plain } from './routes-folder.ts';

interface ForcingOptions {
  until?: string;
  reason?: string;
  server?: string;
  json?: boolean;
}

export interface Override {
  until: string | null;
  reason: string | null;
  by: string | null;
}

/** `Listed`: one of them as the API lists it. */
export interface Forceable<Listed extends { name: string }> {
  command: string;
  noun: string;
  help: { command: string; name: string; state: string; until: string };
  /** What a state is called, and `on` of the API. */
  states: ReadonlyMap<string, boolean | null>;
  /** Of the answer to `GET /v1/<key>`, which lists them. */
  key: string;
  forcePath(name: string): string;
  line(listed: Listed, io: Io): string;
}

export function forcingCommand<Listed extends { name: string }>(
  program: Command,
  what: Forceable<Listed>,
  io: Io,
): void {
  const { command, help } = what;
  program
    .command(command)
    .description(help.command)
    .argument('[name]', help.name)
    .argument('[state]', help.state)
    .option('--until <time>', `${help.until} then; ISO 8601 with its zone`)
    .option('--reason <text>', 'why, for the other operators')
    .option(...SERVER_OPTION)
    .option('--json', 'what the API answers')
    .addHelpText('after', SERVER_HELP)
    .action(
      async (name: string | undefined, state: string | undefined, options: ForcingOptions) => {
        process.exitCode = await runForcing(what, { name, state }, options, io);
      },
    );
}

/** The exit code. */
export async function runForcing<Listed extends { name: string }>(
  what: Forceable<Listed>,
  { name, state }: { name: string | undefined; state: string | undefined },
  options: ForcingOptions,
  io: Io,
): Promise<number> {
  const refuse = (why: string, code: number) => {
    io.stderr.write(`referee ${what.command}: ${plain(why)}\n`);
    return code;
  };
  const wrong = wrongUsage(what, name, state, options);
  if (wrong !== null) return refuse(wrong, 2);
  const forces = name !== undefined && state !== undefined;
  const { until = null, reason = null, server } = options;
  const answer = await askServer(
    forces
      ? {
          path: what.forcePath(encodeURIComponent(name)),
          method: 'POST',
          body: { on: what.states.get(state), until, reason },
        }
      : { path: `/v1/${what.key}` },
    server,
    io,
  );
  if (!answer.ok) return refuse(answer.why, answer.wrong ? 2 : 1);
  const { body } = answer;
  if (forces) return show(what, [{ ...(body as Listed), name }], body, options, io);
  const listed = body as Record<string, unknown>;
  const all = listed[what.key] as Listed[];
  const wanted = all.filter((one) => name === undefined || one.name === name);
  if (name !== undefined && wanted.length === 0) {
    const known = all.map((one) => one.name).join(', ') || 'none';
    return refuse(`no ${what.noun} is called ${JSON.stringify(name)}; known: ${known}`, 1);
  }
  const shown = name === undefined ? body : { ...listed, [what.key]: wanted };
  return show(what, wanted, shown, options, io);
}

function wrongUsage(
  { noun, states }: Pick<Forceable<{ name: string }>, 'noun' | 'states'>,
  name: string | undefined,
  state: string | undefined,
  { until, reason }: ForcingOptions,
): string | null {
  const [first, second, none] = states.keys();
  if (state !== undefined && !states.has(state)) {
    return `${state}: expected ${first}, ${second} or ${none}`;
  }
  if ((name === undefined || state === undefined) && (until ?? reason) !== undefined) {
    return `--until and --reason need a ${noun} and ${first} or ${second}`;
  }
  if (until === undefined || readMoment(until) !== null) return null;
  const { problem, hint } = notAMoment(until);
  return `--until: ${problem}; ${hint}`;
}

function show<Listed extends { name: string }>(
  what: Forceable<Listed>,
  listed: Listed[],
  body: unknown,
  { json }: ForcingOptions,
  io: Io,
): number {
  const none = `The routes have no ${what.key}.\n`;
  const text = listed.length === 0 ? none : listed.map((one) => what.line(one, io)).join('');
  io.stdout.write(json === true ? `${jsonText(body, 2)}\n` : text);
  return 0;
}

/** "until 2026-03-02T15:00:00.000Z, by anna: works on the roof" */
export function overrideWords({ until, reason, by }: Override, ends: string): string {
  const parts = [until === null ? `until ${ends}` : `until ${until}`];
  if (by !== null) parts.push(`by ${by}`);
  return `${parts.join(', ')}${reason === null ? '' : `: ${reason}`}`;
}
