import { plainLines } from './cli/terminal.ts';
import { runCli } from './cli.ts';
import { isSystemError, RefereeError } from './errors.ts';

/** What a shell reports for a program that SIGPIPE ended, as it ends `cat` and `grep`. */
const READER_GONE = 141;

export async function main(argv: string[]): Promise<number> {
  const { stdout, stderr, stdin, env } = process;
  const command = argv[0] ?? '';
  // The server goes on without a reader: its log has an output of its own.
  if (command !== 'serve') endWithoutOutput(command);
  try {
    return await runCli(argv, { stdout, stderr, stdin, env, isTTY: stdout.isTTY === true });
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof RefereeError)) throw error;
    stderr.write(`referee ${command}: ${plainLines(error)}\n`);
    return 1;
  }
}

/**
 * Ends this process when what it writes reaches nobody: silently after `referee calls | head`, and
 * with the reason if, for example, the disk is full. Otherwise Node ends it with a stack trace.
 */
function endWithoutOutput(command: string): void {
  const { stdout, stderr } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(READER_GONE);
    stderr.write(`referee ${command}: the output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  stderr.on('error', () => process.exit(READER_GONE));
}
