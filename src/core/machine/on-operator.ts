/**
 * An operator hangs up a call, or takes the caller out of a stuck attempt so that the next step of
 * the plan runs. The manual refer is in transition.ts.
 */
import { concludeAttempt, runningAttempt } from './attempt.ts';
import type { Attempt, Call, Ends } from './call.ts';
import { release } from './ending.ts';
import type { OperatorEvent } from './event.ts';
import { REFER_SILENT_MS } from './limits.ts';
import { note, type Turn } from './turn.ts';

export function onOperator(
  turn: Turn,
  event: OperatorEvent,
): 'ended' | 'no_attempt' | 'may_answer' | null {
  switch (event.type) {
    case 'operator.hangup':
      return hangUp(turn);
    case 'operator.next':
      return goOn(turn);
    default:
      return event.type satisfies never;
  }
}

/** Allowed in every phase, because operators are asked to end calls that are stuck. */
function hangUp(turn: Turn): 'ended' | null {
  const { call } = turn;
  if (call.phase === 'ended') return 'ended';
  note(turn, `an operator hangs up, from ${call.phase}`);
  const ends = endsAs(call);
  if (call.releasedAs === null) call.releasedByOperator = ends === 'hung_up';
  release(turn, ends, null);
  return null;
}

/** What the call has already achieved stays true, whoever hangs up. */
function endsAs({ phase, releasedAs }: Call): Ends {
  if (releasedAs !== null) return releasedAs;
  if (phase === 'referred') return 'referred';
  return phase === 'bridged' ? 'transferred' : 'hung_up';
}

function goOn(turn: Turn): 'ended' | 'no_attempt' | 'may_answer' | null {
  const { call } = turn;
  const why = whyNoNext(call, turn.now);
  if (why !== null) return why;
  const attempt = runningAttempt(call);
  if (attempt === null) return 'no_attempt';
  turn.attemptId = attempt.id;
  concludeAttempt(turn, attempt, 'an operator went on to the next step');
  turn.goOn = true;
  return null;
}

/**
 * A caller must not be moved twice, so the target must not be able to answer any more. A ringing
 * B-leg is hung up before the next move. A REFER cannot be cancelled; it is over only when it was
 * silent for so long that nothing can come of it (see REFER_SILENT_MS).
 */
export function whyNoNext(call: Call, now: number): 'ended' | 'no_attempt' | 'may_answer' | null {
  if (call.phase === 'ended' || call.phase === 'releasing') return 'ended';
  const attempt = runningAttempt(call);
  if (attempt === null) return 'no_attempt';
  if (call.movingUnsafe || attempt.takenBackAt !== null) return 'may_answer';
  const isOver =
    attempt.kind === 'transfer'
      ? attempt.bLeg !== null && !attempt.bLegAnswered
      : !attempt.progress && isSilent(attempt, now);
  return isOver ? null : 'may_answer';
}

function isSilent({ acceptedAt, requestEndedAt }: Attempt, now: number): boolean {
  if (acceptedAt === null || requestEndedAt === null) return false;
  return now - Math.max(acceptedAt, requestEndedAt) > REFER_SILENT_MS;
}
