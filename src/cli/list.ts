/** `referee list`: what the server stores besides calls, through its API. */
import { type Command, Option } from 'commander';
import type { Static, TSchema } from 'typebox';
import { AUDIT, auditCsv } from '../http/api/audit-list.ts';
import { lostCallersCsv } from '../http/api/calls/calls-csv.ts';
import { LOST_CALLERS } from '../http/api/calls/lost-callers.ts';
import { OUTBOX, outboxCsv } from '../http/api/outbox/outbox-schemas.ts';
import { problemsCsv } from '../http/api/problems/current-problems.ts';
import { VERSIONS, versionsCsv } from '../http/api/routes/versions-schemas.ts';
import { PROBLEMS } from '../http/api/stats/stats-schemas.ts';
import { UTC_OPTION } from './options/utc.ts';
import { limitOf } from './options/whole.ts';
import { askServer, SERVER_HELP, SERVER_OPTION } from './sources/ask-server.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { momentText } from './terminal/local-time.ts';
import { tableLines, terminalWidth } from './terminal/table.ts';
import { plain, plainCsv } from './terminal/terminal.ts';

interface List<Schema extends TSchema> {
  path: string;
  schema: Schema;
  csv(document: Static<Schema>): string;
  /** The rows of the table, the titles first. `time` shows a time of the document. */
  rows(document: Static<Schema>, time: (iso: string) => string): (string | null)[][];
  /** Titles of the columns that are dropped in a narrow terminal, the least important first. */
  givenUp: string[];
  /** Title of the column that is shortened then: of a time, only the day would be left. */
  shortened: string;
  /** False: the list is always short and has no `--limit`. */
  isLimited: boolean;
}

/** Makes TypeScript infer the document's type from the schema. */
function list<Schema extends TSchema>(own: List<Schema>): List<TSchema> {
  return own as unknown as List<TSchema>;
}

const LISTS = {
  audit: list({
    path: '/v1/audit',
    schema: AUDIT,
    csv: auditCsv,
    rows: ({ audit }, time) => [
      ['WHEN', 'WHO', 'WHAT', 'TO', 'RESULT', 'REASON'],
      ...audit.map(({ when, who, what, to, result, reason }) => [
        time(when),
        who,
        what,
        to,
        result,
        reason,
      ]),
    ],
    givenUp: ['REASON', 'TO'],
    shortened: 'WHAT',
    isLimited: true,
  }),
  'lost-callers': list({
    path: '/v1/lost-callers',
    schema: LOST_CALLERS,
    csv: lostCallersCsv,
    rows: ({ lost_callers: lost }, time) => [
      ['AT', 'FROM', 'TO', 'CALL'],
      ...lost.map(({ at, from, to, call_control_id: id }) => [time(at), from, to, id]),
    ],
    givenUp: ['CALL'],
    shortened: 'TO',
    isLimited: true,
  }),
  outbox: list({
    path: '/v1/outbox',
    schema: OUTBOX,
    csv: outboxCsv,
    rows: ({ commands }, time) => [
      ['SINCE', 'ACTION', 'TRIES', 'DESTINATION', 'FROM', 'CALL'],
      ...commands.map(({ created_at: since, action, tries, destination, from, ...command }) => [
        time(since),
        action,
        String(tries),
        destination,
        from,
        command.call_control_id,
      ]),
    ],
    givenUp: ['CALL', 'FROM', 'DESTINATION'],
    shortened: 'ACTION',
    isLimited: true,
  }),
  problems: list({
    path: '/v1/problems',
    schema: PROBLEMS,
    csv: problemsCsv,
    rows: ({ problems }) => [
      ['PROBLEM', 'SEVERITY', 'COUNT'],
      ...problems.map(({ title, severity, count }) => [title, severity, String(count)]),
    ],
    givenUp: ['COUNT'],
    shortened: 'PROBLEM',
    isLimited: false,
  }),
  versions: list({
    path: '/v1/routes/versions',
    schema: VERSIONS,
    csv: versionsCsv,
    rows: ({ versions }, time) => [
      ['WHEN', 'WHO', 'VERSION', 'LIVE', 'ROLE', 'COMMIT'],
      ...versions.map(({ when, who, hash, live, role, commit }) => [
        time(when),
        who,
        hash.slice(0, 12),
        live ? 'live' : null,
        role,
        commit?.slice(0, 12) ?? null,
      ]),
    ],
    givenUp: ['COMMIT', 'ROLE'],
    shortened: 'WHO',
    isLimited: true,
  }),
};
type Name = keyof typeof LISTS;

interface ListOptions {
  limit?: number;
  server?: string;
  utc?: boolean;
  json?: boolean;
  csv?: boolean;
}

export function listCommand(program: Command, io: Io): void {
  const command = program
    .command('list')
    .description(`list what the server keeps: ${Object.keys(LISTS).join(', ')}`)
    .addArgument(program.createArgument('<what>', 'which list').choices(Object.keys(LISTS)))
    .option('--limit <number>', 'how many to list', limitOf)
    .option(...UTC_OPTION)
    .option(...SERVER_OPTION)
    .addOption(new Option('--json', 'JSON as the API returns it').conflicts('csv'))
    .addOption(new Option('--csv', 'CSV (RFC 4180)').conflicts('json'))
    .addHelpText('after', SERVER_HELP);
  command.action(async (what: Name, options: ListOptions) => {
    process.exitCode = await runList(what, options, io);
  });
}

/** The exit code. */
async function runList(what: Name, options: ListOptions, io: Io): Promise<number> {
  const { path, schema, csv, rows, givenUp, shortened, isLimited } = LISTS[what];
  const { limit, server: wanted } = options;
  if (limit !== undefined && !isLimited) {
    io.stderr.write(`referee list: ${what} are all listed, without --limit\n`);
    return 2;
  }
  return askServer({ command: 'list', server: wanted, io }, async (server) => {
    const document = (await server.get(path, { limit }, schema)) as { next?: string | null };
    if (options.json) {
      io.stdout.write(`${jsonText(document, 2)}\n`);
      return;
    }
    if (options.csv) io.stdout.write(plainCsv(csv(document)));
    else {
      const time = (iso: string) => momentText(Date.parse(iso), options.utc === true);
      const shown = rows(document, time).map((row) => row.map((cell) => plain(cell ?? '-')));
      const look = { width: terminalWidth(io), givenUp, shortened, align: 'left' as const };
      io.stdout.write(
        shown.length === 1 ? 'There are none.\n' : `${tableLines(shown, look).join('\n')}\n`,
      );
    }
    if (document.next != null) io.stderr.write('There are more: raise --limit, at most 500.\n');
  });
}
