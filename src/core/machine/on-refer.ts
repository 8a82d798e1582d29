/** What Telnyx reported about a REFER: call.refer.started, .completed, .failed. */
import { concludeAttempt, endAttempt, nameOf, progressAttempt } from './attempt.ts';
import {
  attributeRefer,
  awaitingFinal,
  mayRing,
  newerThan,
  otherSources,
  othersRinging,
  refusedSource,
} from './attribution.ts';
import { resumeTakenBack, takeBackMove } from './b-leg.ts';
import type { Attempt, Call } from './call.ts';
import { becomeReferred, correctable, correctEnds, unreachedEnds } from './ending.ts';
import type { WebhookEvent } from './event.ts';
import { CORRECTION_MS } from './limits.ts';
import { reviewSafety } from './movable.ts';
import { note, setDeadline, type Turn, takeBack } from './turn.ts';
import { isContradictory, RINGING, verdictOfReferFailure, verdictOfSipCode } from './verdict.ts';

export function onReferStarted(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const candidates = mayRing(call, event, turn.now);
  const named = attributeRefer(call, event, turn.now);
  if (named === null && candidates.length > 0) {
    somebodyRings(turn, candidates);
    return;
  }
  const attempt = named ?? refusedSource(call, event, turn.now);
  if (attempt === null) {
    turn.notices.push({ kind: 'event_foreign', type: event.type });
    return;
  }
  turn.attemptId = attempt.id;
  executedAfterAll(turn, attempt);
  mayRingInstead(turn, attempt, othersRinging(call, event, attempt));
  if (attempt.verdict === null && !attempt.final) {
    attempt.sipNotifyResponse = furthest(attempt.sipNotifyResponse, event.sipNotifyResponse);
    progressAttempt(turn, attempt);
  } else if (attempt.verdict === 'no_verdict' && !attempt.final && !attempt.progress) {
    // It was given up but rings now: it may be answered, so nobody else is called.
    attempt.progress = true;
    if (attempt.movesOnAnyway) return;
    call.movingUnsafe = true;
    takeBackMove(turn, [attempt], nameOf(attempt));
  } else if (attempt.final && !attempt.progress) {
    overtakenByItsEnd(turn, attempt);
  }
}

/**
 * Telnyx refused the request, and the event of its REFER names it, or can be of no other. No other
 * command than this one writes that name, so the REFER was executed, and its target may take the
 * caller.
 */
function executedAfterAll(turn: Turn, attempt: Attempt): void {
  if (attempt.verdict !== 'rejected') return;
  endAttempt(turn, attempt, 'no_verdict', 'it was refused, but its event shows that it was sent');
}

/**
 * NOTIFYs and webhooks overtake each other: a late 100, or one without a code, does not take back
 * that the target rings.
 */
function furthest(known: number | null, heard: number | null): number | null {
  if (heard === null || known === RINGING) return known;
  return known === null || heard === RINGING ? heard : Math.max(known, heard);
}

/**
 * One of several attempts rings, and it is unknown which. In any case nobody else is called and no
 * request is repeated: a repeated request was either executed already or would move the caller
 * again.
 */
function somebodyRings(turn: Turn, candidates: Attempt[]): void {
  const { call } = turn;
  note(turn, `one of ${candidates.length} attempts rings, and the event does not say which`);
  for (const attempt of candidates) {
    attempt.progress = true;
    takeBack(turn, attempt.id);
  }
  if (candidates.every(({ movesOnAnyway }) => movesOnAnyway)) return;
  call.movingUnsafe = true;
  takeBackMove(turn, candidates, 'one of them');
}

/**
 * It rang before it failed, although the failure arrived first; so the target declined the caller.
 */
function overtakenByItsEnd(turn: Turn, attempt: Attempt): void {
  attempt.progress = true;
  if (attempt.finalUnclear) stillRings(turn, attempt);
  if (attempt.verdict !== 'not_allowed') return;
  const code = attempt.sipNotifyResponse;
  endAttempt(turn, attempt, verdictOfSipCode(code), `call.refer.failed ${code}, after it had rung`);
}

/** Unless a newer attempt had that failure: then this one rings, and nobody else is called. */
function stillRings(turn: Turn, attempt: Attempt): void {
  const { call } = turn;
  const newer = newerThan(call, attempt).filter(
    ({ startedAt }) => startedAt <= (attempt.endedAt ?? turn.now),
  );
  if (attempt.movesOnAnyway || newer.length === 0) return;
  mayRingInstead(turn, attempt, newer);
  call.movingUnsafe = true;
  takeBackMove(turn, newer, nameOf(attempt));
}

/** Whichever attempt it was, the caller has arrived. */
export function onReferCompleted(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  if (!call.attempts.some(({ kind, unsent }) => kind === 'refer' && !unsent)) {
    note(turn, 'a REFER that is not ours completed');
    turn.notices.push({ kind: 'event_foreign', type: event.type });
    return;
  }
  const attempt = attributeRefer(call, event, turn.now) ?? likeliest(call);
  if (attempt !== null) {
    turn.attemptId = attempt.id;
    attempt.final = true;
    attempt.acceptedAt ??= turn.now;
    attempt.sipNotifyResponse = event.sipNotifyResponse;
    endAttempt(turn, attempt, 'completed', 'call.refer.completed');
  }
  if (call.phase === 'referred') return;
  becomeReferred(turn);
  // A newer open attempt keeps some time for its own final event.
  if (call.attempts.some(({ verdict }) => verdict === null)) concludeLater(turn);
}

function concludeLater(turn: Turn): void {
  const { call } = turn;
  if (call.phase !== 'ended') {
    setDeadline(turn, 'final', CORRECTION_MS);
    return;
  }
  for (const attempt of call.attempts) {
    if (attempt.verdict === null) concludeAttempt(turn, attempt, 'another REFER completed');
  }
}

export function onReferFailed(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const attempt = attributeRefer(call, event, turn.now);
  if (attempt === null) {
    turn.notices.push({ kind: 'event_foreign', type: event.type });
    return;
  }
  turn.attemptId = attempt.id;
  const code = event.sipNotifyResponse;
  if (attempt.final || (call.phase === 'ended' && !correctable(turn))) {
    turn.notices.push({ kind: 'event_late', type: event.type, phase: call.phase });
    return;
  }
  executedAfterAll(turn, attempt);
  attempt.final = true;
  attempt.acceptedAt ??= turn.now;
  attempt.sipNotifyResponse = code;
  const open = attempt.verdict === null;
  const contradictory = isContradictory(code);
  const cancelled = call.phase === 'ended' && code === 487;
  const verdict = cancelled ? 'abandoned' : verdictOfReferFailure(code, attempt.progress);
  const words = `call.refer.failed ${code ?? 'without a code'}`;
  endAttempt(turn, attempt, verdict, contradictory ? `${words}, which contradicts itself` : words);
  const others = otherSources(call, event, attempt);
  attempt.finalUnclear = others.length > 0;
  if (attempt.progress && !attempt.movesOnAnyway) mayRingInstead(turn, attempt, others);
  // A success code: the caller may be with the target and is not moved again.
  if (contradictory) call.movingUnsafe = true;
  else reviewSafety(call);
  if (call.phase === 'ended') {
    if (!contradictory) reviewEnds(turn, cancelled);
  } else if (open && call.running?.id === attempt.id) turn.goOn = true;
  else resumeTakenBack(turn);
}

/**
 * Of two attempts one rings and one has failed, and it may be the other way round; or one rings,
 * and it may be either. So nobody else is called until the other one has ended too.
 */
function mayRingInstead(turn: Turn, attempt: Attempt, others: readonly Attempt[]): void {
  for (const other of others) {
    // A branch of the other one for no_verdict says nothing about this one.
    other.movesOnAnyway &&= attempt.movesOnAnyway;
    if (other.progress) continue;
    takeBack(turn, other.id);
    other.progress = true;
    note(turn, `it may have been ${nameOf(other)}, so nobody else is called meanwhile`);
  }
}

/**
 * The leg had ended without a verdict. Now we know that the REFER failed and nobody was reached.
 */
function reviewEnds(turn: Turn, cancelled: boolean): void {
  const { call } = turn;
  if (call.ends !== 'unconfirmed' && call.ends !== 'referred') return;
  if (call.attempts.some(({ verdict }) => verdict === 'completed')) return;
  if (awaitingFinal(call).some(({ verdict }) => verdict === 'no_verdict')) return;
  correctEnds(turn, unreachedEnds(call, call.endedByCaller || cancelled));
}

function likeliest(call: Call): Attempt | null {
  const refers = awaitingFinal(call);
  return (
    refers.findLast(({ progress, acceptedAt }) => progress && acceptedAt !== null) ??
    refers.findLast(({ progress }) => progress) ??
    refers.findLast(({ verdict }) => verdict === null) ??
    refers.at(-1) ??
    null
  );
}
