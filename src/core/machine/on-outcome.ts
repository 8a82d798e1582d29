/** What became of a command of ours. */
import { acceptAttempt, awaitUnknown, endAttempt } from './attempt.ts';
import type { Attempt } from './call.ts';
import type { Outcome } from './command.ts';
import { endCall, endedWhileAccepted } from './ending.ts';
import type { OutcomeEvent } from './event.ts';
import { ANSWERED_WITHIN_MS, HEARD_LATELY_MS, TOGETHER_MS } from './limits.ts';
import { isMoving } from './plan.ts';
import { probeAlive, startProbe } from './probe.ts';
import { answerAndAgain } from './run-plan.ts';
import { note, setDeadline, type Turn } from './turn.ts';
import { acceptVoice, isVoice } from './voice.ts';

export function onOutcome(turn: Turn, event: OutcomeEvent): void {
  const { call } = turn;
  const { outcome } = event;
  note(turn, `${event.action}: ${inWords(outcome)}`);
  if (outcome.kind === 'retry') return;
  const entry = call.outstanding.find(({ id }) => id === event.commandId);
  call.outstanding = call.outstanding.filter(({ id }) => id !== event.commandId);
  const attempt = call.attempts.find(({ id }) => id === event.commandId);
  turn.attemptId = attempt?.id ?? null;
  if (attempt !== undefined && event.firstSentAt !== null) attempt.sentAt = event.firstSentAt;

  const aboutOurLeg = entry === undefined || entry.legId === call.id;
  if (outcome.kind === 'rejected' && outcome.callEnded) {
    if (aboutOurLeg && call.phase !== 'ended') {
      foundDead(turn, inWords(outcome));
      endCall(turn, `Telnyx answered ${event.action} with “the call has ended”`);
    }
    return;
  }
  if (call.phase === 'ended') {
    if (attempt !== undefined && outcome.kind === 'accepted')
      acceptedAfterAll(turn, attempt, event);
    return;
  }
  if (attempt !== undefined) onAttemptOutcome(turn, attempt, outcome, event.firstSentAt === null);
  else if (event.action === 'answer') onAnswerOutcome(turn, outcome);
  else if (event.action === 'probe') onProbeOutcome(turn, event.commandId, outcome);
  else onVoiceOutcome(turn, event.commandId, outcome);
}

/**
 * Telnyx does not accept a REFER of a leg that has gone: an acceptance that reached us together with the
 * hangup was the earlier of the two, and only our processing turned them round.
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
  outcome: Outcome,
  neverSent: boolean,
): void {
  const { call } = turn;
  if (outcome.kind === 'accepted') {
    acceptAttempt(turn, attempt);
    return;
  }
  // Progress or a verdict shows that an earlier, identical request ran: its answer tells nothing new.
  if (attempt.verdict !== null || attempt.acceptedAt !== null) return;
  const running = call.running?.id === attempt.id ? call.running : null;
  if (outcome.kind === 'unknown') {
    // Proven never to have left: no final event is owed, and no budget was used.
    if (neverSent) attempt.unsent = true;
    else if (awaitUnknown(turn, attempt)) return;
    endAttempt(turn, attempt, 'no_verdict', `the request's outcome is unknown: ${outcome.detail}`);
  } else {
    endAttempt(turn, attempt, 'rejected', inWords(outcome));
  }
  if (running === null) return;
  if (outcome.kind === 'rejected' && outcome.notAnswered && isMoving(running.step)) {
    if (answerAndAgain(turn, running.step)) call.running = null;
  }
  turn.goOn = true;
}

function onAnswerOutcome(turn: Turn, outcome: Outcome): void {
  const { call } = turn;
  if (call.phase !== 'answering') return;
  switch (outcome.kind) {
    case 'accepted':
      if (call.probe === null) setDeadline(turn, 'step', ANSWERED_WITHIN_MS);
      return;
    case 'rejected':
      call.answerRefused = true;
      turn.notices.push({ kind: 'answer_refused', detail: inWords(outcome) });
      turn.goOn = true;
      return;
    default:
      startProbe(turn, 'step');
  }
}

function onVoiceOutcome(turn: Turn, commandId: string, outcome: Outcome): void {
  const { call } = turn;
  const { running, suspended } = call;
  if (suspended?.running?.id === commandId && outcome.kind !== 'accepted') {
    // Nothing of it will be heard: should the refer by hand fail, the plan goes on.
    suspended.done ??= { digits: null };
  }
  if (running === null || running.id !== commandId || !isVoice(running.step)) {
    if (outcome.kind === 'rejected') {
      call.voices = call.voices.filter(({ id }) => id !== commandId);
    }
    return;
  }
  if (outcome.kind === 'accepted') {
    acceptVoice(turn, running.step);
    return;
  }
  if (outcome.kind === 'rejected' && outcome.notAnswered) {
    if (answerAndAgain(turn, running.step)) call.running = null;
  }
  turn.goOn = true;
}

function onProbeOutcome(turn: Turn, commandId: string, outcome: Outcome): void {
  if (outcome.kind !== 'accepted' || outcome.alive === null) return;
  if (outcome.alive) {
    probeAlive(turn, commandId);
    return;
  }
  foundDead(turn, 'probe');
  endCall(turn, 'found dead by a probe');
}

function foundDead(turn: Turn, how: string): void {
  const { phase, heardAt } = turn.call;
  const contradicts = heardAt !== null && turn.now - heardAt <= HEARD_LATELY_MS;
  // After our own hangup the answer is what was to be expected.
  if (phase !== 'releasing') turn.notices.push({ kind: 'found_dead', phase, how, contradicts });
}

function inWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'accepted':
      if (outcome.alive === null) return 'accepted';
      return outcome.alive ? 'alive' : 'dead';
    case 'rejected':
      return `rejected with ${outcome.status}${outcome.code === null ? '' : `, ${outcome.code}`}: ${outcome.detail}`;
    case 'retry':
      return `to be tried again: ${outcome.detail}`;
    case 'unknown':
      return `outcome unknown: ${outcome.detail}`;
    default:
      return outcome satisfies never;
  }
}
