/** `referee dead-letters`: events that could not be processed, by the server's API. */
import type { Command } from 'commander';
import { askServer, SERVER_HELP, SERVER_OPTION } from './ask-server.ts';
import { type Io, jsonText } from './io.ts';
import { plain } from './routes-folder.ts';

interface LetterOptions {
  reason?: string;
  server?: string;
  json?: boolean;
}

interface Letter {
  id: number;
  at: string;
  error: string;
  call_control_id: string | null;
  type: string | null;
}

export function deadLettersCommand(program: Command, io: Io): void {
  const command = program
    .command('dead-letters')
    .description('list the events that could not be processed, or process or discard one')
    .argument('[what]', 'retry or discard; without it the newest are listed')
    .argument('[id]', 'the number of the dead letter')
    .option('--reason <text>', 'why, kept with what you do')
    .option(...SERVER_OPTION)
    .option('--json', 'what the API answers')
    .addHelpText('after', SERVER_HELP);
  command.action(
    async (what: string | undefined, id: string | undefined, options: LetterOptions) => {
      process.exitCode = await runDeadLetters(what, id, options, io);
    },
  );
}

/** The exit code. */
export async function runDeadLetters(
  what: string | undefined,
  id: string | undefined,
  options: LetterOptions,
  io: Io,
): Promise<number> {
  const { reason = null, server, json } = options;
  if (what !== undefined && what !== 'retry' && what !== 'discard') {
    return refuse(`${what}: expected retry or discard`, 2);
  }
  if (what !== undefined && !/^[1-9]\d*$/.test(id ?? '')) {
    return refuse(`${what} needs the number of a dead letter`, 2);
  }
  const path = what === undefined ? '/v1/dead-letters' : `/v1/dead-letters/${id}/${what}`;
  const question =
    what === undefined ? { path } : { path, method: 'POST' as const, body: { reason } };
  const answer = await askServer(question, server, io);
  if (!answer.ok) return refuse(answer.why, answer.wrong ? 2 : 1);
  io.stdout.write(json === true ? `${jsonText(answer.body, 2)}\n` : textOf(answer.body));
  return 0;

  function refuse(why: string, code: number): number {
    io.stderr.write(`referee dead-letters: ${plain(why)}\n`);
    return code;
  }
}

function textOf(body: unknown): string {
  const { dead_letters: letters, result } = body as { dead_letters?: Letter[]; result?: string };
  if (letters === undefined) return `${plain(result ?? '')}\n`;
  if (letters.length === 0) return 'There are no dead letters.\n';
  return letters
    .map(({ id, at, type, call_control_id: call, error }) => {
      const [first = ''] = error.split('\n');
      return `${id}  ${at}  ${plain(type ?? '?')}  ${plain(call ?? '?')}  ${plain(first)}\n`;
    })
    .join('');
}
