/** Which commands of one leg may be in flight together. */
import { type Action, isPrompt } from '../../core/machine/command.ts';

/**
 * If a stop and a prompt overtook each other, the caller would be left in silence; and a
 * client_state that is restored must be the last command. Nothing else needs to wait: a slow answer
 * or probe must not delay the REFER.
 */
export function mayJoin(action: Action, underWay: readonly Action[]): boolean {
  return underWay.every((other) => !ordered(action, other));
}

function ordered(a: Action, b: Action): boolean {
  if (a === 'probe' || b === 'probe') return false;
  if (a === 'client_state_update' || b === 'client_state_update') return true;
  return [a, b].every((action) => isPrompt({ action }));
}
