/**
 * `referee hangup` and `referee next`: an operator's actions on a live call, through the server's
 * API.
 */
import type { Command } from 'commander';
import { givenText } from './options/text.ts';
import { askServer, SERVER_HELP, SERVER_OPTION } from './sources/ask-server.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { plain } from './terminal/terminal.ts';

interface ActOptions {
  reason?: string;
  server?: string;
  json?: boolean;
}

const ACTS = {
  hangup: 'hang up a live call',
  next: 'end the current attempt of a live call, so that the next step runs; refused while the target may still answer',
} as const;
type Act = keyof typeof ACTS;

export function actCommands(program: Command, io: Io): void {
  for (const act of ['hangup', 'next'] as const) {
    const command = program
      .command(act)
      .description(ACTS[act])
      .argument('<call>', 'its call_control_id', givenText)
      .option('--reason <text>', 'the reason, stored with the action')
      .option(...SERVER_OPTION)
      .option('--json', 'JSON as the API returns it')
      .addHelpText('after', SERVER_HELP);
    command.action(async (call: string, options: ActOptions) => {
      process.exitCode = await runAct(act, call, options, io);
    });
  }
}

/** Returns the exit code. */
export function runAct(act: Act, id: string, options: ActOptions, io: Io): Promise<number> {
  const { reason = null, server: wanted, json } = options;
  return askServer({ command: act, server: wanted, io }, async (server) => {
    const answer = await server.post(`/v1/calls/${encodeURIComponent(id)}/${act}`, { reason });
    const { call } = answer as { call: { phase: string; summary: string } };
    io.stdout.write(
      json === true ? `${jsonText(answer, 2)}\n` : `${plain(call.phase)}  ${plain(call.summary)}\n`,
    );
  });
}
