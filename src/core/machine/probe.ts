/**
 * Probes. `GET /calls/{id}` says whether the leg still exists and, by its client_state, which of
 * our commands was executed last. `GET /connections/{id}/active_calls` finds the B-leg of a
 * transfer.
 */
import { runningAttempt } from './attempt.ts';
import { answeredLate } from './b-leg.ts';
import type { Probe } from './call.ts';
import { encodeClientState } from './client-state.ts';
import { PROBE_EVERY_MS } from './limits.ts';
import { issue, setDeadline, type Turn } from './turn.ts';

/** Probes before a deadline decides. One probe at a time; a new reason replaces the old one. */
export function startProbe(turn: Turn, why: Probe['why']): void {
  turn.call.probe = { why, unknowns: 0, commandId: ask(turn, why) };
}

/** The same, but first waits for the expected event, which says more than a probe. */
export function startProbeLater(turn: Turn, why: Probe['why']): void {
  turn.call.probe = { why, unknowns: -1, commandId: '' };
  setDeadline(turn, 'probing', PROBE_EVERY_MS);
}

/** Sends the request; returns its command id. */
export function ask(turn: Turn, why: Probe['why']): string {
  setDeadline(turn, 'probing', PROBE_EVERY_MS);
  const options = { clientState: null, giveUpAt: turn.now + PROBE_EVERY_MS };
  const { connectionId } = turn.call.facts;
  const attempt = runningAttempt(turn.call) ?? answeredLate(turn.call);
  if (why !== 'b_leg' || connectionId === null || attempt === null) {
    return issue(turn, { action: 'probe' }, options);
  }
  const targetClientState = encodeClientState(attempt.id, null);
  return issue(turn, { action: 'active_calls', connectionId, targetClientState }, options);
}
