/** What Telnyx reported about the caller's leg. */

import { decideLater } from './ask-lookup.ts';
import { noteApplied } from './attempt.ts';
import { attributeBridge, openAtTheEnd } from './attribution.ts';
import type { Call, CallFacts } from './call.ts';
import { onCost } from './cost.ts';
import { decideOn, momentOf } from './deciding.ts';
import {
  correctable,
  endCall,
  endedByCaller,
  endedWhileAccepted,
  endedWhileOpen,
  leaveUnmanaged,
} from './ending.ts';
import type { WebhookEvent } from './event.ts';
import { isGone, isLost, loseCaller } from './gone.ts';
import { heardLateMs } from './heard-late.ts';
import { onBridged } from './on-b-leg.ts';
import { onReferCompleted, onReferFailed, onReferStarted } from './on-refer.ts';
import { startProbeLater } from './probe.ts';
import { chooseBranch } from './step-end.ts';
import { clearDeadline, type Turn, takeBack, tookAnswer } from './turn.ts';
import { onVoiceStarted } from './voice.ts';
import { endsRunningVoice, endsSuspendedVoice } from './voice-end.ts';

export function onWebhook(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  learn(call, event);
  const isCost = event.type === 'call.cost';
  // A bill says nothing about where the leg is now, and a recovered event nothing about webhooks.
  if (!isCost && event.recovered === undefined) call.heardAt = turn.now;
  if (isGone(event) && isLost(call)) {
    loseCaller(turn, event);
    if (isCost) onCost(turn, call.id, event.cost);
    return;
  }
  const wasEnded = call.phase === 'ended';
  if (noteApplied(turn, event.envelope) && wasEnded) acceptedBeforeTheEnd(turn, event);
  if (isCost) {
    onCost(turn, call.id, event.cost);
    return;
  }
  // These three say where the caller is, so they count in every phase, even `ended`.
  switch (event.type) {
    case 'call.refer.completed':
      onReferCompleted(turn, event);
      return;
    case 'call.refer.failed':
      onReferFailed(turn, event);
      return;
    case 'call.bridged':
      onBridge(turn, event);
      return;
    default:
      if (call.phase !== 'ended') break;
      if (event.type === 'call.hangup') onLateHangup(turn, event);
      else if (event.type === 'call.answered') onAnswered(turn);
      turn.notices.push({ kind: 'event_late', type: event.type, phase: call.phase });
      return;
  }
  switch (event.type) {
    case 'call.hangup':
      endCall(turn, hangupInWords(event), isByCaller(event), openAtTheEnd(call, event));
      return;
    case 'call.answered':
      onAnswered(turn);
      break;
    case 'call.refer.started':
      onReferStarted(turn, event);
      break;
    case 'call.speak.started':
    case 'call.playback.started':
      onVoiceStarted(turn, event);
      break;
    case 'call.speak.ended':
    case 'call.playback.ended':
    case 'call.gather.ended':
      onVoiceEnded(turn, event);
      break;
    default:
      // The webhook of its answer was lost or is late, and the caller may wait in silence. An
      // incoming leg is answered by us, so it is asked about after ten seconds.
      if (call.facts.direction === 'outgoing' && ONLY_ANSWERED.test(event.type)) onAnswered(turn);
      break;
  }
  if (!isGone(event)) askTheRules(turn, event);
}

/** Keys are heard, and answering machines recognised, only on a leg that was answered. */
const ONLY_ANSWERED = /^call\.(dtmf\.received|machine\.(premium\.)?(detection|greeting)\.ended)$/;

function onAnswered(turn: Turn): void {
  const { call } = turn;
  call.answered = true;
  tookAnswer(turn);
  for (const { id, action } of call.outstanding) if (action === 'answer') takeBack(turn, id);
  if (call.phase === 'answering') turn.goOn = true;
}

/** A probe or a refused command had shown that the leg had ended. */
function onLateHangup(turn: Turn, event: WebhookEvent): void {
  const { call, now } = turn;
  const lateMs = heardLateMs(event, now, call.createdAt);
  if (lateMs > 0) {
    const earlierMs = (call.endedAt ?? now) - (now - lateMs);
    call.endHeardLateMs = Math.max(call.endHeardLateMs, earlierMs);
  }
  const open = openAtTheEnd(call, event);
  if (open !== null) endedWhileOpen(turn, open, isByCaller(event));
  else if (isByCaller(event)) endedByCaller(turn);
}

function onBridge(turn: Turn, event: WebhookEvent): void {
  const attempt = attributeBridge(turn.call, event);
  if (attempt !== null) onBridged(turn, attempt);
}

function onVoiceEnded(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  const { suspended } = call;
  if (suspended !== null) {
    // A manual refer has the phase at the moment.
    if (endsSuspendedVoice(turn, event)) suspended.done = { digits: event.digits };
    return;
  }
  if (!endsRunningVoice(turn, event)) return;
  if (event.status === 'call_hangup') {
    // No further step after the caller has hung up. A probe could still find the leg, so first wait
    // for the hangup.
    clearDeadline(turn, 'step');
    startProbeLater(turn, 'step');
    return;
  }
  const step = call.running?.step;
  if (step?.do === 'menu') chooseBranch(turn, step, event.digits);
  turn.goOn = true;
}

/**
 * Rules decide as soon as the direction is known, and on later events of calls that no plan runs.
 */
function askTheRules(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  if (call.parentId !== null) {
    if (call.phase === 'new') leaveUnmanaged(turn, 'the B-leg of a transfer of ours');
    return;
  }
  const { type } = event;
  const later = type === 'call.answered' || type === 'call.dtmf.received';
  if (call.asking !== null) {
    if (later) decideLater(turn, momentOf(turn, type, event.digits));
    return;
  }
  if (call.phase === 'new' || isBelated(call, event)) {
    if (call.facts.direction === null || call.decided) return;
    // call.answered may have arrived before the first event.
    const events = [
      'call.initiated',
      ...(call.answered ? (['call.answered'] as const) : []),
    ] as const;
    turn.goOn = decideOn(
      turn,
      events.map((each) => momentOf(turn, each)),
    );
    return;
  }
  if (call.phase !== 'unmanaged' || !later) return;
  if (decideOn(turn, [momentOf(turn, type, event.digits)])) turn.goOn = true;
}

/** Its first event took so long that the call was given up as undecided; the caller still waits. */
function isBelated({ phase, decided }: Call, { type }: WebhookEvent): boolean {
  return phase === 'unmanaged' && !decided && type === 'call.initiated';
}

/** Facts are added, never removed, because a late event may have fewer fields than an early one. */
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
  if (call.stamped || call.foreignState !== null) return;
  const { envelope, clientState } = event;
  call.foreignState = envelope === null ? clientState : envelope.foreignState;
}

/** Arrived after the end: the attempt had been executed before it. */
function acceptedBeforeTheEnd(turn: Turn, event: WebhookEvent): void {
  const attempt = turn.call.attempts.find(({ id }) => id === event.envelope?.id);
  const corrects = attempt?.verdict === 'abandoned' && !attempt.final && correctable(turn);
  if (attempt !== undefined && corrects) endedWhileAccepted(turn, attempt);
}

/** If a hangup does not say who ended the call, it was the caller, which is the usual case. */
function isByCaller({ hangupSource, hangupCause }: WebhookEvent): boolean {
  return hangupSource === null || hangupSource === 'caller' || hangupCause === 'originator_cancel';
}

function hangupInWords(event: WebhookEvent): string {
  const parts = [
    event.hangupCause,
    event.sipHangupCause,
    event.hangupSource && `by ${event.hangupSource}`,
  ];
  return `hangup (${parts.filter(Boolean).join(', ') || 'no cause'})`;
}
