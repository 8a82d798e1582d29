/** Events of a transfer: those of its B-leg, and the bridge. */
import { acceptAttempt, endAttempt, nameOf, openAttempt, progressAttempt } from './attempt.ts';
import { bLegGone, hangUpBLeg, isHeld, takeBackMove } from './b-leg.ts';
import type { Attempt, Call, Phase } from './call.ts';
import { onCost } from './cost.ts';
import { becomeBridged, correctable, correctEnds, hangupExpected } from './ending.ts';
import type { BLegEvent } from './event.ts';
import { CORRECTION_MS, OUTCOME_GRACE_MS } from './limits.ts';
import { note, setDeadline, type Turn, takeBack } from './turn.ts';
import { verdictOfHangup } from './verdict.ts';
import { startWhileMoving } from './voice.ts';

/** Events of a transfer's B-leg, in the same commit as the B-leg's own. */
export function onBLeg(turn: Turn, event: BLegEvent): void {
  const { call } = turn;
  if (event.type === 'call.cost') {
    onCost(turn, event.bLegId, event.cost);
    return;
  }
  const attempt = transferOf(call, event);
  if (attempt === null) return;
  turn.attemptId = attempt.id;
  attempt.bLeg = event.bLegId;
  switch (event.type) {
    case 'call.answered':
      attempt.bLegAnswered = true;
      progressAttempt(turn, attempt);
      if (!isGivenUp(call, attempt) || attempt.bLegEnded) return;
      // It was given up a moment too early: both are talking, unless its hangup was faster. That is
      // cancelled, and until it is known whether it was executed, the plan waits.
      if (attempt.bLegHangup === null) onBridged(turn, attempt);
      else takeBackHangup(turn, attempt.bLegHangup);
      return;
    case 'call.bridged':
      onBridged(turn, attempt);
      return;
    case 'call.hangup':
      onBLegHangup(turn, attempt, event);
      return;
    default:
      if (call.phase !== 'ended') progressAttempt(turn, attempt);
      if (isGivenUp(call, attempt) && !attempt.bLegEnded) {
        hangUpBLeg(turn, attempt);
        // The leg of a refused transfer usually ends at once, and the next target need not wait.
        if (attempt.verdict !== 'rejected') takeBackMove(turn, [attempt], nameOf(attempt));
      }
  }
}

function takeBackHangup(turn: Turn, hangup: string): void {
  takeBack(turn, hangup);
  if (isHeld(turn.call)) setDeadline(turn, 'step', OUTCOME_GRACE_MS);
  note(turn, 'the B-leg answered while its hangup was under way: the plan waits');
}

/**
 * The plan continued without it, and the caller can still be moved. Telnyx may have refused the
 * transfer and dialled all the same: only this transfer's command names such a B-leg.
 */
function isGivenUp({ phase }: Call, { verdict }: Attempt): boolean {
  return (verdict === 'no_verdict' || verdict === 'rejected') && !SETTLED.has(phase);
}

/** No event of it said how it ended. */
const VANISHED: ReadonlySet<Attempt['verdict']> = new Set(['abandoned', 'no_verdict', 'rejected']);

const SETTLED: ReadonlySet<Phase> = new Set(['referred', 'bridged', 'releasing', 'ended']);

export function onBridged(turn: Turn, attempt: Attempt): void {
  const { call } = turn;
  turn.attemptId = attempt.id;
  if (attempt.verdict === 'completed') return;
  const overtaken = hungUpAfterAnswer(attempt);
  if (call.phase === 'ended') {
    const vanished = VANISHED.has(attempt.verdict);
    if (!(vanished || overtaken) || !correctable(turn)) return;
    endAttempt(turn, attempt, 'completed', 'call.bridged');
    // If a REFER completed, the call ended as referred, whatever else happened.
    if (call.ends !== 'referred') correctEnds(turn, 'transferred');
    return;
  }
  const ringing = attempt.verdict === null && call.phase === 'transferring';
  const givenUp = isGivenUp(call, attempt);
  if (!ringing && !givenUp && !(overtaken && call.phase !== 'referred')) return;
  endAttempt(turn, attempt, 'completed', 'call.bridged');
  // They have already talked and the caller is being moved to the next target. This is not undone.
  if (attempt.bLegEnded && isOnTheWay(call, attempt)) return;
  // A hangup that was not sent yet would interrupt them.
  bLegGone(turn, (each) => each === attempt);
  becomeBridged(turn);
  // The move after it was cancelled, or is in flight and may still have its own result.
  if (openAttempt(call) !== null) setDeadline(turn, 'final', CORRECTION_MS);
  if (overtaken || attempt.bLegEnded) hangupExpected(turn);
}

/** A newer attempt that Telnyx accepted, or whose outcome is unknown. */
function isOnTheWay(call: Call, attempt: Attempt): boolean {
  const newer = call.attempts.find((each) => each.verdict === null && each !== attempt);
  if (newer === undefined) return false;
  const unsent = newer.acceptedAt === null && call.outstanding.some(({ id }) => id === newer.id);
  return !unsent;
}

/** It answered and hung up before the bridge was reported: they have already talked. */
function hungUpAfterAnswer({ bLegAnswered, verdict }: Attempt): boolean {
  return bLegAnswered && verdict === 'other';
}

function onBLegHangup(turn: Turn, attempt: Attempt, event: BLegEvent): void {
  const { call } = turn;
  attempt.bLegEnded = true;
  if (call.phase === 'bridged' && attempt.verdict === 'completed') {
    hangupExpected(turn);
    return;
  }
  if (call.suspended?.phase === 'bridged' && openAttempt(call) !== null) startWhileMoving(turn);
  // The B-leg has ended: it cannot be hung up or answered any more.
  bLegGone(turn, (each) => each === attempt);
  if (attempt.verdict !== null || call.phase === 'ended') return;
  const { hangupCause, sipHangupCause } = event;
  // A BYE means that it had been answered, although no event reported that.
  if (sipHangupCause === '200') attempt.bLegAnswered = true;
  const verdict = verdictOfHangup(hangupCause, sipHangupCause);
  const words = `B-leg: ${hangupCause ?? 'no cause'} ${sipHangupCause ?? ''}`.trim();
  acceptAttempt(turn, attempt);
  attempt.bLeg = null;
  endAttempt(turn, attempt, verdict, words);
  if (call.running?.id === attempt.id) turn.goOn = true;
}

function transferOf(call: Call, event: BLegEvent): Attempt | null {
  const transfers = call.attempts.filter(({ kind, unsent }) => kind === 'transfer' && !unsent);
  const named = transfers.find(({ id }) => id === event.attemptId);
  const known = transfers.find(({ bLeg }) => bLeg === event.bLegId);
  return named ?? known ?? transfers.find(({ verdict }) => verdict === null) ?? null;
}
