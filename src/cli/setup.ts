/**
 * `referee setup`: configures the Telnyx account so that calls reach this server. It shows the plan
 * first, and changes nothing before somebody has agreed and the undo file is written.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_NAME } from '../core/account/setup.ts';
import { createAccountClient } from '../telnyx/account/client.ts';
import { numberOf } from './options/number.ts';
import { pathOf } from './options/path.ts';
import { publicUrl } from './options/public-url.ts';
import { carryOut } from './setup/changes.ts';
import { readSetup, readUndo, type SetupOptions } from './setup/plan.ts';
import { readUndoFile } from './setup/undo-file.ts';
import { accountConfig, validOrSay } from './sources/account-config.ts';
import { type Io, jsonText } from './terminal/io.ts';

export function setupCommand(program: Command, io: Io): void {
  const command = program
    .command('setup')
    .description(
      'configure the Telnyx account so that calls reach this server: shows the plan, asks, applies it',
    )
    .option('--url <url>', 'the public address of this server: https://host', publicUrl)
    .option(
      '--app <name>',
      `name or id of the Call Control Application; default: the one with this URL, else a new "${DEFAULT_NAME}"`,
      nameOf,
    )
    .addOption(
      new Option('--number <number>', 'a number (+E.164) to assign to it; may be repeated')
        .argParser((text: string, before: string[]) => [...before, numberOf(text)])
        .default([], 'none'),
    )
    .option('--take', 'also take numbers that are assigned to another connection')
    .option('--yes', 'do not ask; needed without a terminal and with --json')
    .option('--undo <file>', 'undo what an earlier run changed, from the file it wrote', pathOf)
    .option('--undo-dir <dir>', 'where the undo file is written', pathOf, '.')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nIt deletes nothing and buys nothing. A second run has nothing to do.\nExit code: 0 done or nothing to do, 1 refused or failed, 2 wrong usage.',
    );
  command.action(async (options: SetupOptions) => {
    const usage = usageProblem(options);
    if (usage !== null) command.error(`referee setup: ${usage}`);
    process.exitCode = await runSetup(options, io);
  });
}

function usageProblem({ url, undo, app, number, take }: SetupOptions): string | null {
  const others = url !== undefined || app !== undefined || number.length > 0 || take === true;
  if (undo !== undefined) {
    return others ? '--undo can only be combined with --yes and --json' : null;
  }
  return url === undefined
    ? '--url is required: the public address of this server, https://host'
    : null;
}

/** The exit code. */
async function runSetup(options: SetupOptions, io: Io): Promise<number> {
  const config = accountConfig('setup', io);
  if (config === null) return 1;
  const { undo } = options;
  const made = undo === undefined ? [] : validOrSay('setup', io, () => readUndoFile(undo));
  if (made === null) return 1;
  const { apiUrl, apiKey, proxy } = config;
  const client = createAccountClient({ apiUrl, apiKey, proxy });
  try {
    const plan = undo === undefined ? readSetup(client, options) : readUndo(client, made);
    const report = await carryOut({ client, config, options, io, plan });
    if (options.json === true) io.stdout.write(`${jsonText(report, 2)}\n`);
    return report.result === 'done' || report.result === 'nothing_to_do' ? 0 : 1;
  } finally {
    await client.close();
  }
}

function nameOf(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('expected a name or an id, got nothing');
  return text.trim();
}
