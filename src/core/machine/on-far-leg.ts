/** What becomes of a transfer: its far leg's events, and the bridge. */
import { acceptAttempt, endAttempt, progressAttempt } from './attempt.ts';
import type { Attempt, Call } from './call.ts';
import { becomeBridged, correctable } from './ending.ts';
import type { FarLegEvent } from './event.ts';
import { HANGUP_EXPECTED_MS } from './limits.ts';
import { clearDeadline, setDeadline, type Turn } from './turn.ts';
import { verdictOfHangup } from './verdict.ts';

/** Events of a transfer's far leg, in the same commit as the far leg's own. */
export function onFarLeg(turn: Turn, event: FarLegEvent): void {
  const { call } = turn;
  const attempt = transferOf(call, event);
  if (attempt === null) return;
  turn.attemptId = attempt.id;
  attempt.farLeg = event.farLegId;
  switch (event.type) {
    case 'call.answered':
      attempt.farAnswered = true;
      progressAttempt(turn, attempt);
      return;
    case 'call.bridged':
      onBridged(turn);
      return;
    case 'call.hangup':
      onFarHangup(turn, attempt, event);
      return;
    default:
      if (call.phase !== 'ended') progressAttempt(turn, attempt);
  }
}

export function onBridged(turn: Turn): void {
  const { call } = turn;
  const attempt = call.attempts.findLast(({ kind, unsent }) => kind === 'transfer' && !unsent);
  if (attempt === undefined) return;
  turn.attemptId = attempt.id;
  if (attempt.verdict === 'completed') return;
  const overtaken = hungUpAfterAnswer(attempt);
  if (call.phase === 'ended') {
    const vanished = attempt.verdict === 'abandoned' || attempt.verdict === 'no_verdict';
    if (!(vanished || overtaken) || !correctable(turn)) return;
    endAttempt(turn, attempt, 'completed', 'call.bridged');
    // A REFER that completed is how the call ended, whatever else happened.
    if (call.ends === 'referred') return;
    turn.notices.push({ kind: 'ends_corrected', ends: 'transferred', before: call.ends });
    call.ends = 'transferred';
    return;
  }
  const ringing = attempt.verdict === null && call.phase === 'transferring';
  if (!ringing && !(overtaken && call.phase !== 'referred')) return;
  endAttempt(turn, attempt, 'completed', 'call.bridged');
  becomeBridged(turn);
  if (overtaken) hangupExpected(turn);
}

/** It answered and hung up before we heard of the bridge: they have talked already. */
function hungUpAfterAnswer({ farAnswered, verdict }: Attempt): boolean {
  return farAnswered && verdict === 'other';
}

/** Telnyx hangs the caller's leg up as well; a caller left alone in silence is released. */
function hangupExpected(turn: Turn): void {
  clearDeadline(turn, 'watch');
  setDeadline(turn, 'referred', HANGUP_EXPECTED_MS);
}

function onFarHangup(turn: Turn, attempt: Attempt, event: FarLegEvent): void {
  const { call } = turn;
  if (call.phase === 'bridged' && attempt.verdict === 'completed') {
    hangupExpected(turn);
    return;
  }
  // The far leg is gone: nothing of it is left to hang up, nor to be answered.
  if (attempt.verdict !== null || call.phase === 'ended') return;
  const { hangupCause, sipHangupCause } = event;
  // A BYE: it had been answered, though nobody told us.
  if (sipHangupCause === '200') attempt.farAnswered = true;
  const verdict = verdictOfHangup(hangupCause, sipHangupCause);
  const words = `far leg: ${hangupCause ?? 'no cause'} ${sipHangupCause ?? ''}`.trim();
  acceptAttempt(turn, attempt);
  attempt.farLeg = null;
  endAttempt(turn, attempt, verdict, words);
  if (call.running?.id === attempt.id) turn.goOn = true;
}

function transferOf(call: Call, event: FarLegEvent): Attempt | null {
  const transfers = call.attempts.filter(({ kind, unsent }) => kind === 'transfer' && !unsent);
  const named = transfers.find(({ id }) => id === event.attemptId);
  const known = transfers.find(({ farLeg }) => farLeg === event.farLegId);
  return named ?? known ?? transfers.find(({ verdict }) => verdict === null) ?? null;
}
