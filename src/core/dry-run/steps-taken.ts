/**
 * Names what one transition did: `answer`, `refer support-us`, `say`, `reject busy`. A target that
 * was skipped is not moved to: `skip support-us`.
 */
import { nameOf } from '../machine/attempt.ts';
import type { Call } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';

/**
 * Attempts that were refused before they were sent, then the commands. `walked`: how many attempts
 * there were before.
 */
export function stepsTaken(
  attempts: Call['attempts'],
  walked: number,
  commands: readonly Command[],
  notes: readonly string[],
): string[] {
  const path = attempts
    .slice(walked)
    .filter(({ unsent }) => unsent)
    .map((attempt) => {
      return `${attempt.verdict === 'skipped' ? 'skip' : attempt.kind} ${nameOf(attempt)}`;
    });
  for (const command of commands) {
    if (command.legId !== command.callId) continue;
    const step = stepOf(command, attempts, notes);
    if (step !== null) path.push(step);
  }
  if (notes.some((text) => text.startsWith('ignore:'))) path.push('ignore');
  return path;
}

function stepOf(
  command: Command,
  attempts: Call['attempts'],
  notes: readonly string[],
): string | null {
  switch (command.action) {
    case 'answer':
      return 'answer';
    case 'refer':
    case 'transfer': {
      const attempt = attempts.find(({ id }) => id === command.id);
      return `${command.action} ${attempt === undefined ? '' : nameOf(attempt)}`;
    }
    case 'speak':
      return command.loop ? null : 'say';
    case 'playback_start':
      return command.loop ? null : 'play';
    case 'gather_using_speak':
    case 'gather_using_audio':
      return 'menu';
    case 'reject':
      return `reject ${command.cause}`;
    case 'hangup': {
      // After the answer a reject is sent as a hangup; the path names the step.
      const rejected = notes.find((text) => text.startsWith('hang up (reject '));
      return rejected === undefined ? 'hangup' : `reject ${rejected.split(' ')[3] ?? ''}`;
    }
    case 'playback_stop':
    case 'client_state_update':
    case 'probe':
    case 'active_calls':
    case 'lookup':
      return null;
    default:
      return command satisfies never;
  }
}
