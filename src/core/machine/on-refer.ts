/** What Telnyx told us about a REFER: call.refer.started, .completed, .failed. */
import { attributeRefer, awaitingFinal, endAttempt, progressAttempt } from './attempt.ts';
import type { Attempt, Call } from './call.ts';
import { becomeReferred, correctable } from './ending.ts';
import type { WebhookEvent } from './event.ts';
import { CORRECTION_MS } from './limits.ts';
import { reviewSafety } from './run-plan.ts';
import { note, setDeadline, type Turn } from './turn.ts';
import { verdictOfSipCode } from './verdict.ts';

export function onReferStarted(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const attempt = attributeRefer(call, event);
  if (attempt === null) {
    turn.notices.push({ kind: 'event_foreign', type: event.type });
    return;
  }
  turn.attemptId = attempt.id;
  if (attempt.verdict === null && !attempt.final) {
    attempt.sipNotifyResponse = event.sipNotifyResponse;
    progressAttempt(turn, attempt);
  } else if (attempt.verdict === 'no_verdict' && !attempt.final && !attempt.progress) {
    // We gave up on it and it rings after all: from here on it may be answered, and nobody else called.
    attempt.progress = true;
    call.movingUnsafe = true;
  }
}

/** Whichever attempt it was: the caller has arrived. */
export function onReferCompleted(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const attempt = attributeRefer(call, event) ?? likeliest(call);
  if (attempt !== null) {
    turn.attemptId = attempt.id;
    attempt.final = true;
    attempt.acceptedAt ??= turn.now;
    attempt.sipNotifyResponse = event.sipNotifyResponse;
    endAttempt(turn, attempt, 'completed', 'call.refer.completed');
  } else {
    note(turn, 'a REFER that is not ours completed');
  }
  if (call.phase === 'referred') return;
  becomeReferred(turn);
  // A newer one still open keeps some time for its own final event.
  if (call.attempts.some(({ verdict }) => verdict === null)) concludeLater(turn);
}

function concludeLater(turn: Turn): void {
  const { call } = turn;
  if (call.phase !== 'ended') {
    setDeadline(turn, 'final', CORRECTION_MS);
    return;
  }
  for (const attempt of call.attempts) {
    if (attempt.verdict === null)
      endAttempt(turn, attempt, 'no_verdict', 'another REFER completed');
  }
}

export function onReferFailed(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const attempt = attributeRefer(call, event);
  if (attempt === null) {
    turn.notices.push({ kind: 'event_foreign', type: event.type });
    return;
  }
  turn.attemptId = attempt.id;
  const code = event.sipNotifyResponse;
  if (attempt.final || attempt.verdict === 'rejected') {
    turn.notices.push({ kind: 'event_late', type: event.type, phase: call.phase });
    return;
  }
  if (call.phase === 'ended' && !correctable(turn)) {
    turn.notices.push({ kind: 'event_late', type: event.type, phase: call.phase });
    return;
  }
  attempt.final = true;
  attempt.acceptedAt ??= turn.now;
  attempt.sipNotifyResponse = code;
  const open = attempt.verdict === null;
  const cancelled = call.phase === 'ended' && code === 487;
  const verdict = cancelled ? 'abandoned' : verdictOfSipCode(code);
  endAttempt(turn, attempt, verdict, `call.refer.failed ${code ?? 'without a code'}`);
  reviewSafety(call);
  if (call.phase === 'ended') correctEnds(turn);
  else if (open && call.running?.id === attempt.id) turn.goOn = true;
}

/** The leg had gone without a verdict; now we know that the REFER failed, so the caller simply left. */
function correctEnds(turn: Turn): void {
  const { call } = turn;
  if (call.ends !== 'unconfirmed' && call.ends !== 'referred') return;
  if (call.attempts.some(({ verdict }) => verdict === 'completed')) return;
  if (awaitingFinal(call).some(({ verdict }) => verdict === 'no_verdict')) return;
  turn.notices.push({ kind: 'ends_corrected', ends: 'abandoned', before: call.ends });
  call.ends = 'abandoned';
}

function likeliest(call: Call): Attempt | null {
  const refers = awaitingFinal(call);
  return refers.findLast(({ verdict }) => verdict === null) ?? refers.at(-1) ?? null;
}
