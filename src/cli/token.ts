/**
 * `referee token`: makes a token for a person or a program. The file only contains the token's
 * hash.
 */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { ADMIN_NAME, digestOf } from '../http/people/person.ts';
import { ROLES } from '../http/people/roles.ts';
import { NAME_PATTERN } from '../http/people/token-file.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { plain } from './terminal/terminal.ts';

interface TokenOptions {
  name: string;
  role: string;
  json?: boolean;
}

const TOKEN_BYTES = 32;

export function tokenCommand(program: Command, io: Io): void {
  const command = program
    .command('token')
    .description('make a token for TOKENS_FILE: it is printed once, with the line for the file')
    .requiredOption('--name <name>', 'who it is for')
    .requiredOption('--role <role>', 'viewer reads, operator acts on calls, admin also reloads')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExit code: 0 done, 2 wrong usage.');
  command.action((options: TokenOptions) => {
    process.exitCode = runToken(options, io);
  });
}

/** Returns the exit code. */
export function runToken({ name, role, json }: TokenOptions, io: Io): number {
  const wrong = wrongUsage(name, role);
  if (wrong !== null) {
    io.stderr.write(`referee token: ${plain(wrong)}\n`);
    return 2;
  }
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const sha256 = digestOf(token).toString('hex');
  if (json === true) {
    io.stdout.write(`${jsonText({ name, role, token, sha256 }, 2)}\n`);
    return 0;
  }
  const entry = `  - { name: ${name}, role: ${role}, sha256: ${sha256} }`;
  io.stdout.write(`${token}\n`);
  io.stderr.write(
    `That is the token of ${name}; it is not shown again. Put this under "tokens:" in TOKENS_FILE:\n`,
  );
  io.stdout.write(`${entry}\n`);
  return 0;
}

function wrongUsage(name: string, role: string): string | null {
  if (!(ROLES as readonly string[]).includes(role)) {
    return `--role ${role}: expected ${ROLES.join(', ')}`;
  }
  if (name === ADMIN_NAME) return `--name ${name}: that is the name of ADMIN_TOKEN; choose another`;
  return new RegExp(NAME_PATTERN).test(name)
    ? null
    : `--name ${name}: expected letters, digits and ._@-, at most 64`;
}
