/** Which commands of one leg may be under way together. */
import type { Action } from '../core/machine/command.ts';

/**
 * A stop that overtook its voice, or a voice that overtook its stop, would leave the caller in silence;
 * a client_state given back must be the last word. Everything else has no reason to wait: an answer or a
 * probe that Telnyx is slow about must not hold up the REFER that brings the caller on.
 */
export function mayJoin(action: Action, underWay: readonly Action[]): boolean {
  return underWay.every((other) => !ordered(action, other));
}

function ordered(a: Action, b: Action): boolean {
  if (a === 'probe' || b === 'probe') return false;
  if (a === 'client_state_update' || b === 'client_state_update') return true;
  return VOICES.has(a) && VOICES.has(b);
}

const VOICES: ReadonlySet<Action> = new Set([
  'speak',
  'playback_start',
  'playback_stop',
  'gather_using_speak',
]);
