/**
 * Lists what operators may override, and sets one override, through the API of the running server.
 */
import { type Command, Option } from 'commander';
import type { Static, TSchema } from 'typebox';
import { notAMoment, readMoment } from '../core/iso-time.ts';
import { RefereeError } from '../errors.ts';
import type { OverrideJson } from '../http/api/overriding/overrides.ts';
import { givenText } from './options/text.ts';
import { UTC_OPTION } from './options/utc.ts';
import { askServer, SERVER_HELP, SERVER_OPTION } from './sources/ask-server.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { momentText } from './terminal/local-time.ts';
import { plain, plainCsv } from './terminal/terminal.ts';

export interface OverrideOptions {
  until?: string;
  reason?: string;
  server?: string;
  utc?: boolean;
  json?: boolean;
}

interface ListOrOverrideOptions extends OverrideOptions {
  csv?: boolean;
}

/** `Shown`: the API's answer with the name. */
export interface Overridable<Shown extends { name: string }> {
  command: string;
  /** The names of the states, and the API's value of `field` for each. */
  states: ReadonlyMap<string, boolean | null>;
  field: 'on' | 'open';
  /** The endpoint that sets it. */
  path(name: string): string;
  line(shown: Shown, io: Io, utc: boolean): string;
}

/** `Schema`: the schema of the answer that lists them. `Listed`: what is shown of each. */
export interface ListedOverridable<Schema extends TSchema, Listed extends { name: string }>
  extends Overridable<Listed> {
  noun: string;
  help: { command: string; name: string; state: string; until: string };
  /** The list's key in the answer to `GET /v1/<key>`. */
  key: keyof Static<Schema> & string;
  schema: Schema;
  csv(document: Static<Schema>): string;
}

export function overridingCommand<Schema extends TSchema, Listed extends { name: string }>(
  program: Command,
  what: ListedOverridable<Schema, Listed>,
  io: Io,
): void {
  const { command, help } = what;
  program
    .command(command)
    .description(help.command)
    .argument('[name]', help.name, givenText)
    .argument('[state]', help.state)
    .option('--until <time>', `${help.until} then; ISO 8601 with its zone`)
    .option('--reason <text>', 'why, for the other operators')
    .option(...UTC_OPTION)
    .option(...SERVER_OPTION)
    .addOption(new Option('--json', 'JSON as the API returns it').conflicts('csv'))
    .addOption(new Option('--csv', 'the list as CSV (RFC 4180)').conflicts('json'))
    .addHelpText('after', SERVER_HELP)
    .action(
      async (
        name: string | undefined,
        state: string | undefined,
        options: ListOrOverrideOptions,
      ) => {
        process.exitCode = await runOverriding(what, { name, state }, options, io);
      },
    );
}

/** Returns the exit code. */
export async function runOverriding<Schema extends TSchema, Listed extends { name: string }>(
  what: ListedOverridable<Schema, Listed>,
  { name, state }: { name: string | undefined; state: string | undefined },
  options: ListOrOverrideOptions,
  io: Io,
): Promise<number> {
  const wrong = wrongUsage(what, name, state, options);
  if (wrong !== null) return refuse(what, wrong, io);
  if (name !== undefined && state !== undefined) return setOverride(what, name, state, options, io);
  const { json, csv } = options;
  return askServer({ command: what.command, server: options.server, io }, async (server) => {
    const { document, listed } = named<Schema, Listed>(
      what,
      name,
      await server.get(`/v1/${what.key}`, {}, what.schema),
    );
    if (csv) io.stdout.write(plainCsv(what.csv(document)));
    else if (json) io.stdout.write(jsonLine(document));
    else if (listed.length === 0) io.stdout.write(`The routes have no ${what.key}.\n`);
    else io.stdout.write(listed.map((one) => what.line(one, io, options.utc === true)).join(''));
  });
}

/** Sets or ends one override. Returns the exit code. */
export async function setOverride<Shown extends { name: string }>(
  what: Overridable<Shown>,
  name: string,
  state: string,
  { until, reason, server: url, utc = false, json }: OverrideOptions,
  io: Io,
): Promise<number> {
  const wrong = wrongState(what, state) ?? wrongUntil(until);
  if (wrong !== null) return refuse(what, wrong, io);
  return askServer({ command: what.command, server: url, io }, async (server) => {
    const done = await server.post(what.path(encodeURIComponent(name)), {
      [what.field]: what.states.get(state) ?? null,
      until: until ?? null,
      reason: reason ?? null,
    });
    const shown = { ...(done as object), name } as Shown;
    io.stdout.write(json ? jsonLine(done) : what.line(shown, io, utc));
  });
}

function refuse({ command }: { command: string }, why: string, io: Io): number {
  io.stderr.write(`referee ${command}: ${plain(why)}\n`);
  return 2;
}

/** The whole answer, or only the entry with that name. */
function named<Schema extends TSchema, Listed extends { name: string }>(
  { key, noun }: Pick<ListedOverridable<Schema, Listed>, 'key' | 'noun'>,
  name: string | undefined,
  document: Static<Schema>,
): { document: Static<Schema>; listed: Listed[] } {
  const all = document[key] as Listed[];
  if (name === undefined) return { document, listed: all };
  const listed = all.filter((one) => one.name === name);
  if (listed.length > 0) return { document: { ...Object(document), [key]: listed }, listed };
  const known = all.map((one) => one.name).join(', ') || 'none';
  const words = `no ${noun} is called ${JSON.stringify(name)}; known: ${known}`;
  throw new RefereeError('UNKNOWN_NAME', words);
}

function jsonLine(value: unknown): string {
  return `${jsonText(value, 2)}\n`;
}

function wrongUsage(
  { noun, states }: Pick<ListedOverridable<never, never>, 'noun' | 'states'>,
  name: string | undefined,
  state: string | undefined,
  { until, reason, csv }: ListOrOverrideOptions,
): string | null {
  const [first, second] = states.keys();
  const overrides = name !== undefined && state !== undefined;
  if (overrides) return wrongState({ states }, state) ?? (csv ? '--csv is for the list' : null);
  if ((until ?? reason) === undefined) return null;
  return `--until and --reason need a ${noun} and ${first} or ${second}`;
}

function wrongState({ states }: Pick<Overridable<never>, 'states'>, state: string): string | null {
  const [first, second, none] = states.keys();
  return states.has(state) ? null : `${state}: expected ${first}, ${second} or ${none}`;
}

function wrongUntil(until: string | undefined): string | null {
  if (until === undefined || readMoment(until) !== null) return null;
  const { problem, hint } = notAMoment(until);
  return `--until: ${problem}; ${hint}`;
}

/** "until 2026-03-02T16:00:00+01:00, by anna: works on the roof" */
export function overrideWords(
  { until, reason, by }: OverrideJson,
  { ends, utc }: { ends: string; utc: boolean },
): string {
  const parts = [`until ${until === null ? ends : momentText(Date.parse(until), utc)}`];
  if (by !== null) parts.push(`by ${by}`);
  return `${parts.join(', ')}${reason === null ? '' : `: ${reason}`}`;
}
