import { plainLines } from './cli/terminal/terminal.ts';
import { runCli } from './cli.ts';
import { isSystemError, RefereeError } from './errors.ts';

/** What a shell reports for a program that SIGPIPE ended, as it ends `cat` and `grep`. */
const READER_GONE = 141;

export async function main(argv: string[]): Promise<number> {
  const { stdout, stderr, stdin, env } = process;
  const command = argv[0] ?? '';
  // The server goes on without a reader: its log has an output of its own.
  const output = command === 'serve' ? null : watchOutput(command);
  try {
    const io = { stdout, stderr, stdin, env, isTTY: stdout.isTTY === true };
    return (await runCli(argv, io)) || (output?.isLost() ? 1 : 0);
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof RefereeError)) throw error;
    stderr.write(`referee ${command}: ${plainLines(error)}\n`);
    return 1;
  }
}

/**
 * What these have begun they finish, with a reader or without: `referee setup --yes | head` must not
 * leave the account half changed, nor a rehearsal its call, and no backup is left half restored.
 */
const FINISHED = new Set(['setup', 'rehearse', 'recover', 'backup', 'restore']);

/**
 * Ends this process when what it writes reaches nobody: silently after `referee calls | head`, and
 * with the reason if, for example, the disk is full. Otherwise Node ends it with a stack trace. A
 * command that finishes goes on, and `isLost` says whether its output could not be written.
 */
function watchOutput(command: string): { isLost(): boolean } {
  const { stdout, stderr } = process;
  const finishes = FINISHED.has(command);
  let lost = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    const isReaderGone = error.code === 'EPIPE';
    if (!isReaderGone && !lost) {
      lost = true;
      stderr.write(`referee ${command}: the output cannot be written: ${error.message}\n`);
    }
    if (!finishes) process.exit(isReaderGone ? READER_GONE : 1);
  });
  stderr.on('error', () => {
    if (!finishes) process.exit(READER_GONE);
  });
  return { isLost: () => lost };
}
