/** The command line: one file per subcommand, with the server's own loader and core. */
import { Command, CommanderError } from 'commander';
import { version } from './build.ts';
import { actCommands } from './cli/act.ts';
import { backupCommand, restoreCommand } from './cli/backup.ts';
import { callsCommand } from './cli/calls.ts';
import { checkCommand } from './cli/check.ts';
import { completionCommand } from './cli/completion.ts';
import { deadLettersCommand } from './cli/dead-letters.ts';
import { demoCommand } from './cli/demo.ts';
import { doctorCommand } from './cli/doctor.ts';
import { readOverrides } from './cli/documents.ts';
import { initCommand } from './cli/init.ts';
import type { Io } from './cli/io.ts';
import { proveCommand } from './cli/prove.ts';
import { recoverCommand } from './cli/recover.ts';
import { rehearseCommand } from './cli/rehearse.ts';
import { replayCommand } from './cli/replay.ts';
import { reportCommand } from './cli/report.ts';
import { routeCommand } from './cli/route.ts';
import { scheduleCommand } from './cli/schedule.ts';
import { schemaCommand } from './cli/schema.ts';
import { serveCommand } from './cli/serve.ts';
import { setupCommand } from './cli/setup.ts';
import { simulatorCommand } from './cli/simulator.ts';
import { statsCommand } from './cli/stats.ts';
import { switchCommand } from './cli/switch.ts';
import { targetsCommand } from './cli/targets.ts';
import { tokenCommand } from './cli/token.ts';

export async function runCli(argv: string[], io: Io): Promise<number> {
  const program = new Command('referee')
    .description(
      'Call routing for Telnyx: receives signed webhooks, sends SIP REFERs, and reports where each caller went.',
    )
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    });
  serveCommand(program, io);
  checkCommand(program, io);
  routeCommand(program, io, readOverrides);
  proveCommand(program, io);
  replayCommand(program, io);
  scheduleCommand(program, io, readOverrides);
  switchCommand(program, io);
  actCommands(program, io);
  deadLettersCommand(program, io);
  tokenCommand(program, io);
  targetsCommand(program, io);
  schemaCommand(program, io);
  callsCommand(program, io);
  statsCommand(program, io);
  reportCommand(program, io);
  setupCommand(program, io);
  doctorCommand(program, io);
  rehearseCommand(program, io);
  recoverCommand(program, io);
  backupCommand(program, io);
  restoreCommand(program, io);
  simulatorCommand(program, io);
  demoCommand(program, io);
  initCommand(program, io);
  completionCommand(program, io);
  try {
    process.exitCode = 0;
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander says 1, which for some commands means something else: a wrong command line is always 2.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}
