/**
 * What must hold in every state. Three claims have cases in which nobody can know better; they are
 * counted, and whatever follows from them is not held against the machine:
 *
 * - the route itself says that it moves on while a target may still answer
 *   (`if_failed: { no_verdict: … }`);
 * - the earlier REFER was silent until its timeout, or its ringing had not reached us when the next
 *   request left: a REFER cannot be taken back, and Telnyx does not say that one is pending;
 * - an operator takes the caller out of a transfer whose B-leg has answered, before its webhook
 *   reached us.
 */
import type { State } from './world.ts';

export function invariantsOf(state: State): string[] {
  return [...neverAlone(state), ...completedMeansMoved(state), ...quietAfterTheEnd(state)];
}

/** A live leg always has something that will move it forward. */
function neverAlone({ call, leg, outbox, requests, wire }: State): string[] {
  if (call === null || !leg.alive || call.phase === 'ended') return [];
  const something = call.deadlines.length + outbox.length + requests.length + wire.length;
  return something > 0 ? [] : [`a living leg in ${call.phase} waits for nothing`];
}

function completedMeansMoved({ call, moves, bLegs, accepted }: State): string[] {
  if (call === null || moves.length > 0 || accepted) return [];
  // A B-leg that has answered is bridged at once.
  if (bLegs.some(({ answeredAt }) => answeredAt !== null)) return [];
  return call.attempts
    .filter(({ verdict }) => verdict === 'completed')
    .map(({ kind }) => `a ${kind} counts as completed, and nobody was moved`);
}

/** No command waits for a caller who has hung up, and no move for one who has arrived. */
function quietAfterTheEnd({ call, outbox }: State): string[] {
  if (call === null || (call.phase !== 'ended' && call.phase !== 'referred')) return [];
  const { phase, id } = call;
  return outbox
    .filter(({ command, leaseUntil }) => leaseUntil === null && command.legId === id)
    .filter(({ command }) => phase === 'ended' || MOVES.has(command.action))
    .map(({ command }) => `${command.action} waits to be sent in ${phase}`);
}

const MOVES: ReadonlySet<string> = new Set(['refer', 'transfer']);
