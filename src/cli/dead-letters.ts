/** `referee dead-letters`: events that could not be processed, through the server's API. */
import { type Command, Option } from 'commander';
import type { Static } from 'typebox';
import { DEAD_LETTERS, deadLettersCsv } from '../http/api/outbox/outbox-schemas.ts';
import { UTC_OPTION } from './options/utc.ts';
import { limitOf } from './options/whole.ts';
import { askServer, SERVER_HELP, SERVER_OPTION } from './sources/ask-server.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { momentText } from './terminal/local-time.ts';
import { plain, plainCsv } from './terminal/terminal.ts';

const MORE = 'There are more dead letters: raise --limit, at most 500.\n';

interface LetterOptions {
  reason?: string;
  limit?: number;
  server?: string;
  utc?: boolean;
  json?: boolean;
  csv?: boolean;
}

export function deadLettersCommand(program: Command, io: Io): void {
  const command = program
    .command('dead-letters')
    .description('list the events that could not be processed, or process or discard one')
    .argument('[what]', 'retry or discard; without it the newest are listed')
    .argument('[id]', 'the number of the dead letter')
    .option('--reason <text>', 'the reason, stored with the action')
    .option('--limit <number>', 'how many to list', limitOf)
    .option(...UTC_OPTION)
    .option(...SERVER_OPTION)
    .addOption(new Option('--json', 'JSON as the API returns it').conflicts('csv'))
    .addOption(new Option('--csv', 'the list as CSV (RFC 4180)').conflicts('json'))
    .addHelpText('after', SERVER_HELP);
  command.action(
    async (what: string | undefined, id: string | undefined, options: LetterOptions) => {
      process.exitCode = await runDeadLetters(what, id, options, io);
    },
  );
}

/** Returns the exit code. */
export async function runDeadLetters(
  what: string | undefined,
  id: string | undefined,
  options: LetterOptions,
  io: Io,
): Promise<number> {
  const { reason = null, limit, server: wanted, json, csv } = options;
  const wrong = wrongUsage(what, id, options);
  if (wrong !== null) {
    io.stderr.write(`referee dead-letters: ${plain(wrong)}\n`);
    return 2;
  }
  return askServer({ command: 'dead-letters', server: wanted, io }, async (server) => {
    if (what === undefined) {
      const listed = await server.get('/v1/dead-letters', { limit }, DEAD_LETTERS);
      if (csv) io.stdout.write(plainCsv(deadLettersCsv(listed)));
      else
        io.stdout.write(json ? `${jsonText(listed, 2)}\n` : textOf(listed, options.utc === true));
      if (listed.next !== null && !json) io.stderr.write(MORE);
      return;
    }
    const done = await server.post(`/v1/dead-letters/${id}/${what}`, { reason });
    const { result = '' } = done as { result?: string };
    io.stdout.write(json ? `${jsonText(done, 2)}\n` : `${plain(result)}\n`);
  });
}

function wrongUsage(
  what: string | undefined,
  id: string | undefined,
  { csv, limit }: LetterOptions,
): string | null {
  if (what === undefined) return null;
  if (what !== 'retry' && what !== 'discard') return `${what}: expected retry or discard`;
  if (!/^[1-9]\d*$/.test(id ?? '')) return `${what} needs the number of a dead letter`;
  return csv || limit !== undefined ? '--csv and --limit are for the list' : null;
}

function textOf({ dead_letters: letters }: Static<typeof DEAD_LETTERS>, utc: boolean): string {
  if (letters.length === 0) return 'There are no dead letters.\n';
  return letters
    .map(({ id, at, type, call_control_id: call, error }) => {
      const [first = ''] = error.split('\n');
      return `${id}  ${momentText(Date.parse(at), utc)}  ${plain(type ?? '?')}  ${plain(call ?? '?')}  ${plain(first)}\n`;
    })
    .join('');
}
