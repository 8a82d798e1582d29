/** How long an attempt may last: what is left of its step, of patience, and of Telnyx's memory. */
import type { Attempt, Call } from './call.ts';
import { SAME_COMMAND_MS, TRANSFER_GRACE_MS, UNKNOWN_LEFT_MS_MIN } from './limits.ts';
import { isMoving } from './plan.ts';
import {
  deadlineOf,
  dropProbe,
  isOverdue,
  putOffDeadline,
  setDeadline,
  type Turn,
} from './turn.ts';

/**
 * The least of three: the rest of the step, the rest of patience, and the time for which Telnyx
 * remembers a command_id.
 */
export function sendingMs(turn: Turn, timeoutMs: number): number {
  const patienceAt = turn.call.suspended === null ? deadlineOf(turn.call, 'patience') : null;
  const patienceMs = patienceAt === null ? timeoutMs : Math.max(0, patienceAt - turn.now);
  return Math.min(timeoutMs, patienceMs, SAME_COMMAND_MS);
}

/** Time from the acceptance until we probe. Telnyx ends a ringing B-leg before that. */
export function ownTimeMs(turn: Turn, attempt: Attempt): number {
  const step = turn.call.running?.step;
  const timeoutMs = step !== undefined && isMoving(step) ? step.timeoutMs : 0;
  return timeoutMs + (attempt.kind === 'transfer' ? TRANSFER_GRACE_MS : 0);
}

/**
 * The rest of the timeout of an attempt whose acceptance was discovered late. It counts from the
 * end of the last request, because Telnyx may have executed any of several tries.
 */
export function leftMs(turn: Turn, attempt: Attempt): number {
  return (attempt.requestEndedAt ?? attempt.sentAt) + ownTimeMs(turn, attempt) - turn.now;
}

/**
 * How much longer a B-leg that exists may ring. Several processes may have tried, and one that dies
 * does not say when: so it counts from the acceptance, or from the last possible try.
 */
export function mayRingMs(turn: Turn, attempt: Attempt): number {
  const { id, acceptedAt, requestEndedAt, sentAt } = attempt;
  const isOutstanding = turn.call.outstanding.some((command) => command.id === id);
  const triedUntil = isOutstanding ? sentAt + SAME_COMMAND_MS : (requestEndedAt ?? sentAt);
  return (acceptedAt ?? triedUntil) + ownTimeMs(turn, attempt) - turn.now;
}

/**
 * The outcome is unknown, so Telnyx may have executed the command and the far end may be ringing.
 * Waits out the step's timeout, counted from the first send. Returns false if that time is over.
 */
export function awaitUnknown(turn: Turn, { id, sentAt }: Attempt): boolean {
  const { call, now } = turn;
  const step = call.running?.id === id ? call.running.step : null;
  if (step === null || !isMoving(step) || call.probe !== null || isImpatient(call)) return false;
  const restMs = sentAt + Math.min(step.timeoutMs, SAME_COMMAND_MS) - now;
  // What became of it may be delivered again.
  if (isOverdue(restMs)) putOffDeadline(turn, 'attempt');
  else if (restMs < UNKNOWN_LEFT_MS_MIN) return false;
  else setDeadline(turn, 'attempt', restMs);
  return true;
}

/** Its acceptance is learnt while we ask whether its leg lives, because its time seemed over. */
export function giveTimeLeft(turn: Turn, attempt: Attempt): void {
  const restMs = leftMs(turn, attempt);
  if (restMs < UNKNOWN_LEFT_MS_MIN) return;
  dropProbe(turn);
  setDeadline(turn, 'attempt', restMs);
}

/** Patience ends the attempts of the plan, not the manual refer that interrupts it. */
export function isImpatient({ patienceOver, suspended }: Call): boolean {
  return patienceOver && suspended === null;
}
