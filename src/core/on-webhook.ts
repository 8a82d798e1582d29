/** What Telnyx told us about the caller's leg, or about the far leg of a transfer. */
import {
  acceptAttempt,
  attributeRefer,
  awaitingFinal,
  endAttempt,
  progressAttempt,
} from './attempt.ts';
import type { Attempt, Call, CallFacts } from './call.ts';
import { decodeClientState } from './client-state.ts';
import { decideNow } from './deciding.ts';
import { becomeBridged, becomeReferred, endCall, leaveUnmanaged } from './ending.ts';
import type { FarLegEvent, WebhookEvent } from './event.ts';
import { CORRECTION_MS, HANGUP_EXPECTED_MS } from './limits.ts';
import { dropProbe, startProbe } from './probe.ts';
import { chooseBranch, reviewSafety } from './run-plan.ts';
import { clearDeadline, note, setDeadline, type Turn } from './turn.ts';
import { verdictOfHangup, verdictOfSipCode } from './verdict.ts';
import { endsRunningVoice } from './voice.ts';

export function onWebhook(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  learn(call, event);
  call.heardAt = turn.now;
  // These three say where the caller is: they are heard in every phase, the last one too.
  switch (event.type) {
    case 'call.refer.completed':
      onReferCompleted(turn, event);
      return;
    case 'call.refer.failed':
      onReferFailed(turn, event);
      return;
    case 'call.bridged':
      onBridged(turn);
      return;
    default:
      if (call.phase !== 'ended') break;
      turn.notices.push({ kind: 'event_late', type: event.type, phase: call.phase });
      return;
  }
  switch (event.type) {
    case 'call.hangup':
      endCall(turn, hangupInWords(event));
      return;
    case 'call.answered':
      call.answered = true;
      if (call.phase === 'answering') proceed(turn);
      break;
    case 'call.refer.started':
      onReferStarted(turn, event);
      break;
    case 'call.speak.ended':
    case 'call.playback.ended':
    case 'call.gather.ended':
      onVoiceEnded(turn, event);
      break;
    default:
      break;
  }
  askTheRules(turn, event);
}

/** Events of a transfer's far leg, in the same commit as the far leg's own. */
export function onFarLeg(turn: Turn, event: FarLegEvent): void {
  const { call } = turn;
  const attempt = transferOf(call, event);
  if (attempt === null) return;
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

/** What held the plan is through: whatever the probe was sent for is settled too. */
function proceed(turn: Turn): void {
  dropProbe(turn);
  turn.goOn = true;
}

function onReferStarted(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const attempt = attributeRefer(call, event);
  if (attempt === null) {
    turn.notices.push({ kind: 'event_foreign', type: event.type });
    return;
  }
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
function onReferCompleted(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const attempt = attributeRefer(call, event) ?? likeliest(call);
  if (attempt !== null) {
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

function onReferFailed(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const attempt = attributeRefer(call, event);
  if (attempt === null) {
    turn.notices.push({ kind: 'event_foreign', type: event.type });
    return;
  }
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
  else if (open && call.running?.id === attempt.id) proceed(turn);
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

function onBridged(turn: Turn): void {
  const { call } = turn;
  const attempt = call.attempts.findLast(({ kind, unsent }) => kind === 'transfer' && !unsent);
  if (attempt === undefined || attempt.verdict === 'completed') return;
  if (call.phase === 'ended') {
    const vanished = attempt.verdict === 'abandoned' || attempt.verdict === 'no_verdict';
    if (!vanished || !correctable(turn)) return;
    endAttempt(turn, attempt, 'completed', 'call.bridged');
    turn.notices.push({ kind: 'ends_corrected', ends: 'transferred', before: call.ends });
    call.ends = 'transferred';
    return;
  }
  if (attempt.verdict !== null || call.phase !== 'transferring') return;
  endAttempt(turn, attempt, 'completed', 'call.bridged');
  becomeBridged(turn);
}

function onFarHangup(turn: Turn, attempt: Attempt, event: FarLegEvent): void {
  const { call } = turn;
  if (call.phase === 'bridged' && attempt.verdict === 'completed') {
    // Telnyx hangs the caller's leg up as well; a caller left alone in silence is released.
    clearDeadline(turn, 'watch');
    setDeadline(turn, 'referred', HANGUP_EXPECTED_MS);
    return;
  }
  // The far leg is gone: nothing of it is left to hang up, nor to be answered.
  if (attempt.verdict !== null || call.phase === 'ended') return;
  const { hangupCause, sipHangupCause } = event;
  const verdict = verdictOfHangup(hangupCause, sipHangupCause);
  const words = `far leg: ${hangupCause ?? 'no cause'} ${sipHangupCause ?? ''}`.trim();
  acceptAttempt(turn, attempt);
  attempt.farLeg = null;
  endAttempt(turn, attempt, verdict, words);
  if (call.running?.id === attempt.id) proceed(turn);
}

function onVoiceEnded(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const { suspended } = call;
  if (suspended !== null) {
    // Its phase is somebody else's at the moment; `resume` looks at what was heard.
    const ending = suspended.running?.id === decodeClientState(event.clientState)?.a;
    if (ending || call.voices.some(({ id }) => id === suspended.running?.id)) {
      suspended.done = { digits: event.digits };
    }
    return;
  }
  if (!endsRunningVoice(turn, event)) return;
  if (event.status === 'call_hangup') {
    // The leg is going: no step after the caller has gone. The probe decides if no hangup comes.
    startProbe(turn, 'step');
    return;
  }
  const step = call.running?.step;
  if (step?.do === 'menu') chooseBranch(turn, step, event.digits);
  proceed(turn);
}

/** Rules see the first moment when the direction is known, and later events of calls no plan runs. */
function askTheRules(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  if (call.parentId !== null) {
    if (call.phase === 'new') leaveUnmanaged(turn, 'the far leg of a transfer of ours');
    return;
  }
  if (call.phase === 'new') {
    if (call.facts.direction === null || call.decided) return;
    turn.goOn = decideNow(turn, 'call.initiated', null);
    // An answer that overtook the first event is seen now.
    if (turn.goOn || !call.answered) return;
    turn.goOn = decideNow(turn, 'call.answered', null);
    return;
  }
  if (call.phase !== 'unmanaged') return;
  if (event.type !== 'call.answered' && event.type !== 'call.dtmf.received') return;
  if (decideNow(turn, event.type, event.digits)) turn.goOn = true;
}

/** Facts are filled in, never taken back: a late event may know less than an early one. */
function learn(call: Call, event: WebhookEvent): void {
  const known: CallFacts = call.facts;
  const told = event.facts;
  call.parentId ??= event.parentId ?? null;
  known.sessionId ??= told.sessionId;
  known.legId ??= told.legId;
  known.connectionId ??= told.connectionId;
  known.from ??= told.from;
  known.to ??= told.to;
  known.direction ??= told.direction;
  known.callerName ??= told.callerName;
  known.callerType ??= told.callerType;
  known.attestation ??= told.attestation;
  known.attestationValidated ||= told.attestationValidated;
  if (known.headers.length === 0) known.headers = told.headers;
  if (known.tags.length === 0) known.tags = told.tags;
  if (call.stamped || call.foreignState !== null || event.clientState === null) return;
  const envelope = decodeClientState(event.clientState);
  call.foreignState = envelope === null ? event.clientState : envelope.u;
}

function likeliest(call: Call): Attempt | null {
  const refers = awaitingFinal(call);
  return refers.findLast(({ verdict }) => verdict === null) ?? refers.at(-1) ?? null;
}

function transferOf(call: Call, event: FarLegEvent): Attempt | null {
  const transfers = call.attempts.filter(({ kind, unsent }) => kind === 'transfer' && !unsent);
  const named = transfers.find(({ id }) => id === event.attemptId);
  const known = transfers.find(({ farLeg }) => farLeg === event.farLegId);
  return named ?? known ?? transfers.find(({ verdict }) => verdict === null) ?? null;
}

function correctable(turn: Turn): boolean {
  const { endedAt } = turn.call;
  return endedAt !== null && turn.now - endedAt <= CORRECTION_MS;
}

function hangupInWords(event: WebhookEvent): string {
  const parts = [
    event.hangupCause,
    event.sipHangupCause,
    event.hangupSource && `by ${event.hangupSource}`,
  ];
  return `hangup (${parts.filter(Boolean).join(', ') || 'no cause'})`;
}
