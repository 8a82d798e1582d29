/** What an attempt counts as: for the budgets, for its target, and beside other attempts. */
import type { Attempt } from './call.ts';

/**
 * Counts against the budgets as Telnyx bills: not if it was never sent or if the API refused it.
 */
export function isCounted({ unsent, verdict }: Attempt): boolean {
  return !unsent && verdict !== 'rejected';
}

/** Telnyx could not be reached for the time of its step, which says nothing about its target. */
export function neverAsked({ unsent, verdict }: Pick<Attempt, 'unsent' | 'verdict'>): boolean {
  return unsent && verdict === 'no_verdict';
}

/**
 * Telnyx gave no clear answer, and nothing has shown since that it executed the command: nobody
 * knows whether the target was tried.
 */
export function maybeTried({
  unsent,
  verdict,
  acceptedAt,
  progress,
  bLeg,
}: Pick<Attempt, 'unsent' | 'verdict' | 'acceptedAt' | 'progress' | 'bLeg'>): boolean {
  return !unsent && verdict === 'no_verdict' && acceptedAt === null && !progress && bLeg === null;
}

/** It kept its turn: only together with the next one is it one attempt at its target. */
export function triesAgain(attempt: Attempt, attempts: readonly Attempt[]): boolean {
  const next = attempts[attempts.indexOf(attempt) + 1];
  if (next === undefined || !neverAsked(attempt)) return false;
  const { kind, target, sipAddress } = attempt;
  return next.kind === kind && next.target === target && next.sipAddress === sipAddress;
}
