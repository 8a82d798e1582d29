/**
 * What must happen before the caller is moved again: the B-leg of a transfer that was given up is
 * hung up first, and a move that is not in flight is cancelled if an older target begins to ring.
 */
import { nameOf } from './attempt.ts';
import { neverLeft } from './attribution.ts';
import type { Attempt, Call } from './call.ts';
import { OUTCOME_GRACE_MS, SAME_COMMAND_MS } from './limits.ts';
import { isMoving } from './plan.ts';
import { issue, note, setDeadline, type Turn, takeBack } from './turn.ts';

/** At most once for each leg. A transfer without any event of its B-leg has none to hang up. */
export function hangUpBLeg(turn: Turn, attempt: Attempt): void {
  if (attempt.bLeg === null || attempt.bLegHangup !== null) return;
  attempt.bLegHangup = issue(
    turn,
    { action: 'hangup' },
    { legId: attempt.bLeg, attemptId: attempt.id, giveUpAt: turn.now + SAME_COMMAND_MS },
  );
  note(turn, 'hang up the B-leg');
}

/** A B-leg may still be answered, because its hangup is not accepted yet. */
export function isClearing({ attempts }: Call): boolean {
  return attempts.some(({ bLegHangup }) => bLegHangup !== null);
}

/**
 * The attempt whose B-leg answered while its hangup was under way: nobody knows yet which was
 * first. Either they are talking, or it is gone.
 */
export function answeredLate({ attempts }: Call): Attempt | null {
  const found = attempts.find(
    ({ bLegHangup, bLegAnswered, bLegEnded }) => bLegHangup !== null && bLegAnswered && !bLegEnded,
  );
  return found ?? null;
}

/** Its hangup was accepted, or it has ended, or this can no longer be found out. */
export function bLegGone(turn: Turn, which: (attempt: Attempt) => boolean): void {
  const { call } = turn;
  for (const attempt of call.attempts) {
    if (attempt.bLegHangup === null || !which(attempt)) continue;
    takeBack(turn, attempt.bLegHangup);
    attempt.bLegHangup = null;
  }
  if (isClearing(call)) return;
  if (isHeld(call)) turn.goOn = true;
  else resumeTakenBack(turn);
}

/** The plan waits for a B-leg to end, or to be bridged. */
export function isHeld({ phase, running }: Call): boolean {
  return phase === 'transferring' && running === null;
}

/**
 * An attempt that was given up begins to ring, or one of several does. The next move is cancelled
 * unless it is in flight, and the caller waits for the ringing attempt for as long as the cancelled
 * step would have taken.
 */
export function takeBackMove(turn: Turn, ringing: readonly Attempt[], who: string): void {
  const { call, now } = turn;
  const { running } = call;
  const next = call.attempts.find(({ id }) => id === running?.id);
  if (running === null || next === undefined || !isMoving(running.step)) return;
  if (ringing.includes(next)) return;
  const pending = call.outstanding.some(({ id }) => id === next.id);
  if (!pending || next.verdict !== null || next.acceptedAt !== null) return;
  next.takenBackAt = now;
  takeBack(turn, next.id);
  if (call.probe === null) setDeadline(turn, 'attempt', running.step.timeoutMs);
  note(turn, `${who} rings after all: the ${next.kind} to ${nameOf(next)} is taken back`);
}

/**
 * Moving is safe again, once a request that was in flight when it was cancelled would have had its
 * outcome. If it has none, or an unclear one, its target may be ringing: the step's time is waited
 * out, as for any other command of unknown outcome.
 */
export function resumeTakenBack(turn: Turn): void {
  const { call, now } = turn;
  const { running } = call;
  if (call.movingUnsafe || call.probe !== null || running === null) return;
  const next = call.attempts.find(({ id }) => id === running.id);
  if (next === undefined || next.takenBackAt === null || next.acceptedAt !== null) return;
  const timeoutMs = isMoving(running.step) ? running.step.timeoutMs : 0;
  const overAt = neverLeft(next) ? 0 : next.sentAt + Math.min(timeoutMs, SAME_COMMAND_MS);
  const resumeAt = Math.max(next.takenBackAt + OUTCOME_GRACE_MS, overAt);
  setDeadline(turn, 'attempt', Math.max(0, resumeAt - now));
}

/** The other side of the transfer that was bridged has hung up. */
export function isConversationOver({ attempts }: Call): boolean {
  return attempts.some(
    ({ kind, verdict, bLegEnded }) => kind === 'transfer' && verdict === 'completed' && bLegEnded,
  );
}
