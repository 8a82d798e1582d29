/** The outcomes of our commands. */
import { acceptAttempt, endAttempt, hadBeenSent, noteApplied } from './attempt.ts';
import { awaitUnknown } from './attempt-time.ts';
import { answeredLate, bLegGone } from './b-leg.ts';
import type { Attempt } from './call.ts';
import type { Outcome } from './command.ts';
import { endCall, endedWhileAccepted } from './ending.ts';
import type { OutcomeEvent } from './event.ts';
import {
  ANSWERED_WITHIN_MS,
  HEARD_LATELY_MS,
  RETRY_MS_MIN,
  TOGETHER_MS,
  UNKNOWN_LEFT_MS_MIN,
} from './limits.ts';
import { onLookup } from './on-lookup.ts';
import { outcomeWords } from './outcome-words.ts';
import { isMoving } from './plan.ts';
import { startProbe } from './probe.ts';
import { onActiveCalls, probeAlive } from './probe-end.ts';
import { answerAndAgain } from './run-plan.ts';
import { assumeAnswered, note, setDeadline, type Turn } from './turn.ts';
import {
  isLastWords,
  keepsTurn,
  keepTurnOfSuspended,
  noteTurnedAway,
  wasTurnedAway,
} from './unreached.ts';
import {
  acceptVoice,
  awaitUnknownVoice,
  forgetVoice,
  isVoice,
  sayOnceMore,
  startWhileMoving,
  stopLateVoice,
} from './voice.ts';

export function onOutcome(turn: Turn, event: OutcomeEvent): void {
  const { call } = turn;
  const { outcome } = event;
  const isAnswered = event.action === 'lookup' && outcome.kind !== 'retry';
  // The result of a lookup is noted where it is used.
  const isUnsent = outcome.kind === 'unknown' && event.firstSentAt === null;
  const words = isUnsent ? `given up: ${outcome.detail}` : outcomeWords(outcome);
  if (!isAnswered) note(turn, `${event.action}: ${words}`);
  const attempt = call.attempts.find(({ id }) => id === event.commandId);
  turn.attemptId = attempt?.id ?? null;
  if (attempt !== undefined) noteSent(turn, attempt, event);
  if (outcome.kind === 'retry') {
    noteTurnedAway(turn, event.commandId, outcome.status !== null);
    return;
  }
  const unreached = isUnsent && !wasTurnedAway(call, event.commandId);
  call.outstanding = call.outstanding.filter(({ id }) => id !== event.commandId);

  if (event.action === 'lookup') {
    onLookup(turn, event);
    return;
  }
  if (event.legId !== call.id) {
    onBLegHangupOutcome(turn, event);
    return;
  }
  if (outcome.kind === 'rejected' && outcome.callEnded) {
    if (call.phase !== 'ended') {
      const unknown = UNKNOWN_CALL_CODES.has(outcome.code ?? '');
      foundDead(turn, outcomeWords(outcome), unknown ? 'unknown' : 'ended');
      endCall(turn, `Telnyx answered ${event.action} with “the call has ended”`);
    }
    return;
  }
  if (call.phase === 'ended') {
    if (attempt !== undefined && outcome.kind === 'accepted')
      acceptedAfterAll(turn, attempt, event);
    return;
  }
  if (attempt !== undefined) onAttemptOutcome(turn, attempt, event, unreached);
  else if (event.action === 'answer') onAnswerOutcome(turn, event, unreached);
  else if (event.action === 'probe') onProbeOutcome(turn, event.commandId, outcome);
  else if (event.action === 'active_calls') onActiveCalls(turn, event.commandId, outcome);
  else onVoiceOutcome(turn, event, unreached);
}

function noteSent(turn: Turn, attempt: Attempt, event: OutcomeEvent): void {
  const { outcome, firstSentAt } = event;
  if (firstSentAt !== null) {
    attempt.sentAt = firstSentAt;
    attempt.requestEndedAt = turn.now;
    if (outcome.kind !== 'rejected') hadBeenSent(turn, attempt);
  } else if (outcome.kind === 'retry') {
    // Until then it waits in the outbox. If it is cancelled meanwhile, it was certainly never sent.
    attempt.sentAt = event.receivedAt + (outcome.afterMs ?? RETRY_MS_MIN);
  }
}

/** Telnyx does not know the id: another account's key never finds a call. */
const UNKNOWN_CALL_CODES: ReadonlySet<string> = new Set(['90015', '10005']);

/**
 * For a transfer's B-leg: the next move waits until it has ended or this can no longer be found
 * out.
 */
function onBLegHangupOutcome(turn: Turn, event: OutcomeEvent): void {
  const { outcome } = event;
  const isIts = ({ bLegHangup }: Attempt) => bLegHangup === event.commandId;
  const hasEnded =
    outcome.kind === 'accepted' || (outcome.kind === 'rejected' && outcome.callEnded);
  if (hasEnded) {
    // An event of it that comes later, such as its answer, is about what is over.
    for (const attempt of turn.call.attempts.filter(isIts)) attempt.bLegEnded = true;
  }
  const late = answeredLate(turn.call);
  // One that has answered may be talking, and Telnyx is asked for it.
  const isLost = outcome.kind === 'unknown' && (late === null || !isIts(late));
  if (hasEnded || isLost || turn.call.phase === 'ended') bLegGone(turn, isIts);
}

/**
 * Telnyx does not accept a REFER on a leg that has ended. If an acceptance and the hangup arrive
 * together, the acceptance came first, and only our processing reversed the order.
 */
function acceptedAfterAll(turn: Turn, attempt: Attempt, event: OutcomeEvent): void {
  const { endedAt } = turn.call;
  const together = endedAt !== null && event.receivedAt - endedAt <= TOGETHER_MS;
  if (together && attempt.verdict === 'abandoned' && !attempt.final)
    endedWhileAccepted(turn, attempt);
}

function onAttemptOutcome(
  turn: Turn,
  attempt: Attempt,
  { outcome, firstSentAt }: OutcomeEvent,
  unreached: boolean,
): void {
  const { call } = turn;
  const neverSent = firstSentAt === null;
  if (outcome.kind === 'accepted') {
    acceptAttempt(turn, attempt);
    return;
  }
  // Progress or a verdict proves that an earlier identical request was executed; this answer is
  // irrelevant.
  if (attempt.verdict !== null || attempt.acceptedAt !== null) return;
  const running = call.running?.id === attempt.id ? call.running : null;
  if (outcome.kind === 'unknown') {
    // Proven never to have been sent: no final event is expected, and no budget was used.
    if (neverSent) attempt.unsent = true;
    else if (running !== null) {
      // Its time is over, but the leg's client_state may still prove that the last try was
      // executed.
      if (!awaitUnknown(turn, attempt) && call.probe === null) startProbe(turn, 'attempt');
      return;
    }
    const why = neverSent ? outcome.detail : `the request's outcome is unknown: ${outcome.detail}`;
    endAttempt(turn, attempt, 'no_verdict', why);
  } else {
    endAttempt(turn, attempt, 'rejected', outcomeWords(outcome));
  }
  if (running === null) return;
  turn.goOn = true;
  if (outcome.kind === 'rejected' && outcome.notAnswered) answerAndAgain(turn, running.step);
  else if (unreached) keepsTurn(turn);
}

function onAnswerOutcome(turn: Turn, event: OutcomeEvent, unreached: boolean): void {
  const { call } = turn;
  const { outcome, firstSentAt } = event;
  if (call.phase !== 'answering') return;
  switch (outcome.kind) {
    case 'accepted':
      if (call.probe === null) setDeadline(turn, 'step', ANSWERED_WITHIN_MS);
      return;
    case 'rejected':
      turn.goOn = true;
      if (call.answeredAgain) {
        // It was answered before 90034, so the refusal may mean that it still is. The step tells.
        assumeAnswered(turn);
        return;
      }
      call.answerRefused = true;
      turn.notices.push({ kind: 'answer_refused', detail: outcomeWords(outcome) });
      return;
    default: {
      // It may have been executed, so wait for call.answered as after an acceptance.
      const restMs = firstSentAt === null ? 0 : firstSentAt + ANSWERED_WITHIN_MS - turn.now;
      if (restMs >= UNKNOWN_LEFT_MS_MIN) setDeadline(turn, 'step', restMs);
      else if (!(unreached && keepsTurn(turn))) startProbe(turn, 'step');
    }
  }
}

function onVoiceOutcome(turn: Turn, event: OutcomeEvent, unreached: boolean): void {
  const { call } = turn;
  const { commandId, outcome, firstSentAt } = event;
  const { running, suspended } = call;
  const unknown = outcome.kind === 'unknown' && firstSentAt !== null;
  if (outcome.kind === 'accepted') stopLateVoice(turn, event.action);
  // It is never played, so its end is not waited for, even if it is sent again.
  if (outcome.kind !== 'accepted' && !unknown) forgetVoice(turn, commandId);
  if (suspended?.running?.id === commandId && outcome.kind !== 'accepted') {
    // If the manual refer fails, the plan continues with it or, where Telnyx was asked, behind it.
    if (unreached) keepTurnOfSuspended(suspended);
    else suspended.done ??= { digits: null };
  }
  if (running === null) return;
  if (unreached && isMoving(running.step)) startWhileMoving(turn);
  // It waits behind a stop that did not reach Telnyx: spoken over the loop, nobody understands it.
  const waits = unreached && call.parked.some(({ id }) => id === running.id);
  if (waits) keepsTurn(turn);
  if (running.id !== commandId || !isVoice(running.step)) return;
  if (outcome.kind === 'accepted') {
    acceptVoice(turn, running.step);
    return;
  }
  if (unknown && isLastWords(call) && sayOnceMore(turn)) return;
  if (unknown && awaitUnknownVoice(turn, running.step, firstSentAt)) return;
  if (outcome.kind === 'rejected' && outcome.notAnswered) answerAndAgain(turn, running.step);
  else if (unreached) keepsTurn(turn);
  turn.goOn = true;
}

function onProbeOutcome(turn: Turn, commandId: string, outcome: Outcome): void {
  if (outcome.kind !== 'accepted' || outcome.alive === null) return;
  const { envelope = null } = outcome;
  if (outcome.alive) {
    probeAlive(turn, commandId, envelope);
    return;
  }
  noteApplied(turn, envelope);
  foundDead(turn, 'probe', null);
  endCall(turn, 'its hangup webhook never came: a probe found that it has ended');
}

/**
 * `refusal`: how a command was refused, which contradicts an event that arrived moments ago. A probe
 * is asked where a hangup may have been missed, so that its answer contradicts nothing.
 */
function foundDead(turn: Turn, how: string, refusal: 'ended' | 'unknown' | null): void {
  const { phase, heardAt } = turn.call;
  const lately = heardAt !== null && turn.now - heardAt <= HEARD_LATELY_MS;
  const contradicts = lately ? refusal : null;
  // After our own hangup this answer is expected.
  if (phase !== 'releasing') turn.notices.push({ kind: 'found_dead', phase, how, contradicts });
}
