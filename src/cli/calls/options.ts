/** The options of `referee calls`, and which calls they ask for. */
import { type Command, Option } from 'commander';
import { ENDS, PHASES } from '../../core/machine/call.ts';
import { CALLER_OUTCOMES } from '../../core/machine/caller-outcome.ts';
import { VERDICTS } from '../../core/machine/verdict.ts';
import { labelledWith } from '../../core/rules/label.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import { askedNumber, mayBeNational } from '../../routing/numbers/national.ts';
import { PARTIES } from '../../store/contract/list.ts';
import { pathOf } from '../options/path.ts';
import { sinceOf } from '../options/since.ts';
import { givenText } from '../options/text.ts';
import { UTC_OPTION } from '../options/utc.ts';
import { LIMIT_MAX, limitOf } from '../options/whole.ts';
import type { CallsAsked } from '../sources/documents.ts';
import { loadFolder } from '../sources/routes-folder.ts';
import { serverOf } from '../sources/server.ts';
import type { Io } from '../terminal/io.ts';

const LIMIT_DEFAULT = 20;

/** Which calls are asked for; without a limit: LIMIT_DEFAULT for a list, all for a file. */
export interface CallsOptions extends Partial<CallsAsked> {
  follow?: boolean;
  verify?: boolean;
  export?: string;
  json?: boolean;
  csv?: boolean;
  utc?: boolean;
}

export function addCallsOptions(command: Command): void {
  command
    .option(
      '--q <text>',
      'only calls that match this text: at least four digits of a number, the beginning of a call id, part of a label, rule or target',
      givenText,
    )
    .addOption(
      new Option('--outcome <outcome>', 'only calls with this outcome for the caller').choices([
        ...CALLER_OUTCOMES,
      ]),
    )
    .addOption(new Option('--phase <phase>', 'only calls in this phase').choices([...PHASES]))
    .option(
      '--rule <name>',
      'only calls that this rule matched; otherwise: calls that no rule matched',
      givenText,
    )
    .option('--target <name>', 'only calls with an attempt at this target', givenText)
    .addOption(
      new Option(
        '--verdict <verdict>',
        'only calls with an attempt that has this verdict; failed: any verdict that means failure',
      ).choices([...VERDICTS, 'failed']),
    )
    .addOption(new Option('--ends <ends>', 'only calls that ended like this').choices([...ENDS]))
    .option(
      '--from <number>',
      'only calls from this number, as the list shows it or as people write it',
      givenText,
    )
    .option(
      '--to <number>',
      'only calls to this number, as the list shows it or as people write it',
      givenText,
    )
    .option('--number <number>', 'only calls from or to this number of yours', givenText)
    .addOption(
      new Option('--direction <direction>', 'only calls in this direction').choices([
        'incoming',
        'outgoing',
      ]),
    )
    .option(
      '--since <time>',
      'only calls since then: ISO 8601 with a zone, or how long ago: 15m, 2h, 1d',
      sinceOf,
    )
    .option('--until <time>', 'only calls before then; written as for --since', sinceOf)
    .addOption(new Option('--legs <which>', 'also show the B-legs of transfers').choices(['all']))
    .option(
      '--limit <number>',
      `how many calls to show, at most ${LIMIT_MAX} (default: ${LIMIT_DEFAULT}; all for --verify and --export)`,
      limitOf,
    )
    .option('--follow', 'keep showing changes until Ctrl-C')
    .addOption(
      new Option(
        '--verify',
        'run the recorded events of each call again and compare with the stored call; exit 1 if any differs',
      ).conflicts(['follow', 'export', 'csv']),
    )
    .addOption(
      new Option(
        '--export <file>',
        'write recorded calls to a new file, one JSON object per line, - for stdout; it contains phone numbers and pressed digits',
      )
        .argParser(pathOf)
        .conflicts(['follow', 'json', 'csv']),
    )
    .option(...UTC_OPTION)
    .addOption(
      new Option(
        '--json',
        'JSON as the API returns it; with --follow one changed call per line',
      ).conflicts('csv'),
    )
    .addOption(
      new Option('--csv', 'CSV (RFC 4180) with a line for each call').conflicts(['json', 'follow']),
    );
}

/** The first option that only a list can follow; null if there is none. */
export function listOption({ csv, ...options }: CallsOptions): string | null {
  if (csv) return 'csv';
  const [name] = Object.keys(chosenBy(options));
  return name ?? null;
}

export function askedBy(options: CallsOptions): CallsAsked {
  return { limit: LIMIT_DEFAULT, ...chosenBy(options) };
}

/** Which calls are asked for, without how they are shown. */
function chosenBy(options: CallsOptions): Partial<CallsAsked> {
  const { follow, json, csv, utc, verify, export: file, ...asked } = options;
  return asked;
}

/**
 * Adds what only the routes know to what the database is asked: the numbers that are meant in
 * national form, by `policy.country`, and those whose label `q` is. The routes are only loaded if
 * something is asked that may need them. A server uses its own routes.
 */
export async function withRoutes(
  id: string | null,
  options: CallsOptions,
  io: Io,
): Promise<{ id: string | null; options: CallsOptions }> {
  if (serverOf(io) !== null) return { id, options };
  const parties = [id, ...PARTIES.map((party) => options[party])];
  const mayBeLabel = options.q !== undefined && /\p{L}/u.test(options.q);
  const needsRoutes = mayBeLabel || parties.some((text) => mayBeNational(text ?? ''));
  const set = needsRoutes ? await liveSet(io) : null;
  const meant = (text: string): string => askedNumber(text, set?.policy.country);
  const known: CallsOptions = { ...options };
  for (const party of PARTIES) {
    const text = options[party];
    if (text !== undefined) known[party] = meant(text);
  }
  if (set !== null && mayBeLabel) known.labelled = labelledWith(set, options.q ?? '');
  return { id: id === null ? null : meant(id), options: known };
}

/** Null if the routes have problems: `referee check` names them. */
async function liveSet(io: Io): Promise<RouteSet | null> {
  const { loaded } = await loadFolder(undefined, io, Date.now(), { hold: false });
  return loaded.ok ? loaded.set : null;
}
