/**
 * The command line: a file per subcommand, its parts in the folder of its name, with the server's
 * own loader and core. Only the command that is asked for is loaded: the server starts without the
 * simulator, and `check` without the server.
 */
import { Command, CommanderError } from 'commander';
import { version } from './build.ts';
import type { Io } from './cli/terminal/io.ts';

type Register = (program: Command, io: Io) => void;

/** In the order of the help; `hangup` and `next` are made by one function. */
const COMMANDS: [names: string[], load: () => Promise<Register>][] = [
  [['serve'], async () => (await import('./cli/serve.ts')).serveCommand],
  [['check'], async () => (await import('./cli/check.ts')).checkCommand],
  [['route'], async () => (await import('./cli/route.ts')).routeCommand],
  [['prove'], async () => (await import('./cli/prove.ts')).proveCommand],
  [['replay'], async () => (await import('./cli/replay.ts')).replayCommand],
  [['schedule'], async () => (await import('./cli/schedule.ts')).scheduleCommand],
  [['switch'], async () => (await import('./cli/switch.ts')).switchCommand],
  [['hangup', 'next'], async () => (await import('./cli/act.ts')).actCommands],
  [['dead-letters'], async () => (await import('./cli/dead-letters.ts')).deadLettersCommand],
  [['list'], async () => (await import('./cli/list.ts')).listCommand],
  [['token'], async () => (await import('./cli/token.ts')).tokenCommand],
  [['targets'], async () => (await import('./cli/targets.ts')).targetsCommand],
  [['schema'], async () => (await import('./cli/schema.ts')).schemaCommand],
  [['calls'], async () => (await import('./cli/calls.ts')).callsCommand],
  [['stats'], async () => (await import('./cli/stats.ts')).statsCommand],
  [['report'], async () => (await import('./cli/report.ts')).reportCommand],
  [['setup'], async () => (await import('./cli/setup.ts')).setupCommand],
  [['doctor'], async () => (await import('./cli/doctor.ts')).doctorCommand],
  [['rehearse'], async () => (await import('./cli/rehearse.ts')).rehearseCommand],
  [['recover'], async () => (await import('./cli/recover.ts')).recoverCommand],
  [['backup'], async () => (await import('./cli/backup.ts')).backupCommand],
  [['restore'], async () => (await import('./cli/backup.ts')).restoreCommand],
  [['simulator'], async () => (await import('./cli/simulator.ts')).simulatorCommand],
  [['demo'], async () => (await import('./cli/demo.ts')).demoCommand],
  [['init'], async () => (await import('./cli/init.ts')).initCommand],
  [['completion'], async () => (await import('./cli/completion.ts')).completionCommand],
];

export async function runCli(given: string[], io: Io): Promise<number> {
  const argv = isHelpOfNothing(given) ? given.slice(1) : given;
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
  for (const load of wanted(argv)) (await load())(program, io);
  try {
    process.exitCode = 0;
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (!error.code.startsWith('commander.')) return error.exitCode;
    // Commander says 1, which for some commands means something else: a wrong command line is 2.
    return error.exitCode === 0 ? 0 : 2;
  }
}

/** `help srve`: Commander would print the help of everything and not say what is wrong. */
function isHelpOfNothing([help, name]: string[]): boolean {
  if (help !== 'help' || name === undefined) return false;
  return !COMMANDS.some(([names]) => names.includes(name));
}

/**
 * All of them for the help, for completion, and for an unknown name, so that a similar one can be
 * suggested. None for the version.
 */
function wanted([name = '']: string[]): (() => Promise<Register>)[] {
  const all = COMMANDS.map(([, load]) => load);
  if (name === '--version' || name === '-V') return [];
  if (name === 'completion') return all;
  const asked = COMMANDS.find(([names]) => names.includes(name));
  return asked === undefined ? all : [asked[1]];
}
