/**
 * Attempts: starting one, accepting it, ending it with a verdict. It is one file because every
 * change of an attempt is here. How long one may last is in attempt-time.ts.
 */
import { giveTimeLeft, ownTimeMs, sendingMs } from './attempt-time.ts';
import { wasTakenBack } from './attribution.ts';
import type { Attempt, Call, Verdict } from './call.ts';
import { type Envelope, encodeClientState } from './client-state.ts';
import { isCounted } from './counting.ts';
import { heardLateMs } from './heard-late.ts';
import {
  ATTEMPTS_MAX,
  OUTCOME_GRACE_MS,
  PATIENCE_MS,
  TRANSFER_SECS_MAX,
  TRANSFER_SECS_MIN,
} from './limits.ts';
import type { MovingStep } from './plan.ts';
import {
  clearDeadline,
  deadlineOf,
  issue,
  newId,
  note,
  setDeadline,
  type Turn,
  takeBack,
  tookAnswer,
} from './turn.ts';
import { startWhileMoving } from './voice.ts';

/**
 * Stores the single command of a new attempt and enters its phase. If the step is not possible (bad
 * template, policy, budget), the attempt is never sent and gets the verdict `rejected`.
 */
export function startAttempt(turn: Turn, asked: MovingStep): Attempt {
  const { call } = turn;
  const stopped = whyStopped(turn, asked);
  if (stopped !== null) return refuseAttempt(turn, asked, stopped);

  if (call.suspended === null && deadlineOf(call, 'patience') === null) {
    setDeadline(turn, 'patience', call.policy?.patienceMs ?? PATIENCE_MS);
  }
  const { id, step } = takeId(turn, asked);
  startWhileMoving(turn);
  const attempt = draftAttempt(turn, step, id);
  makeRoomForAttempt(call.attempts);
  call.attempts.push(attempt);
  call.running = { id, step };
  call.phase = step.do === 'refer' ? 'referring' : 'transferring';
  const giveUpInMs = sendingMs(turn, step.timeoutMs);
  issueMove(turn, step, id, turn.now + giveUpInMs);
  setDeadline(turn, 'attempt', giveUpInMs + OUTCOME_GRACE_MS);
  note(turn, `${step.do} to ${nameOf(attempt)}`);
  turn.notices.push({ kind: 'attempt_started', attempt });
  return attempt;
}

/** The request was accepted, or something proves that it was: the attempt's own timeout starts. */
export function acceptAttempt(turn: Turn, attempt: Attempt): void {
  if (attempt.acceptedAt !== null) return;
  attempt.acceptedAt = turn.now;
  tookAnswer(turn);
  // Telnyx has executed the command, so it is not sent again.
  takeBack(turn, attempt.id);
  if (attempt.verdict !== null || turn.call.running?.id !== attempt.id) return;
  const { probe } = turn.call;
  if (probe === null) setDeadline(turn, 'attempt', ownTimeMs(turn, attempt));
  else if (probe.why === 'attempt') giveTimeLeft(turn, attempt);
}

/**
 * Our envelope, on an event of the leg or on the leg itself, proves that Telnyx executed the
 * command of the attempt it names, whatever the answer to the request was. Returns true if this was
 * not known before.
 */
export function noteApplied(turn: Turn, envelope: Envelope | null): boolean {
  if (envelope === null) return false;
  const { call } = turn;
  const attempt = call.attempts.find(
    ({ id, unsent, takenBackAt }) => id === envelope.id && (!unsent || takenBackAt !== null),
  );
  if (attempt === undefined || attempt.acceptedAt !== null) return false;
  hadBeenSent(turn, attempt);
  note(
    turn,
    `${attempt.kind} to ${nameOf(attempt)}: its client_state shows that Telnyx applied it`,
  );
  acceptAttempt(turn, attempt);
  return true;
}

/** It counted as never sent, because nothing showed in time that its request had left. */
export function hadBeenSent(turn: Turn, attempt: Attempt): void {
  if (!attempt.unsent || attempt.takenBackAt === null) return;
  attempt.unsent = false;
  endAttempt(turn, attempt, 'no_verdict', 'it had been sent before it was taken back');
}

export function progressAttempt(turn: Turn, attempt: Attempt): void {
  acceptAttempt(turn, attempt);
  if (attempt.progress) return;
  attempt.progress = true;
  turn.notices.push({ kind: 'attempt_progress', attempt });
}

/** Writes the verdict. Overwriting an earlier one is the caller's responsibility. */
export function endAttempt(turn: Turn, attempt: Attempt, verdict: Verdict, reason: string): void {
  const corrected = attempt.verdict !== null;
  if (corrected && attempt.verdict === verdict) return;
  attempt.verdict = verdict;
  attempt.reason = reason;
  attempt.endedAt = turn.now;
  attempt.endHeardLateMs = heardLateMs(turn.event, turn.now, attempt.sentAt);
  if (turn.call.running?.id === attempt.id) clearDeadline(turn, 'attempt');
  // A 500 may have hidden that it was executed. Its end is known now, so it is not repeated.
  takeBack(turn, attempt.id);
  note(turn, `${attempt.kind} to ${nameOf(attempt)}: ${verdict} (${reason})`);
  turn.notices.push({ kind: 'attempt_ended', attempt, corrected });
}

/**
 * Our own conclusion about an open attempt. If its command was cancelled in time, it was never
 * sent.
 */
export function concludeAttempt(turn: Turn, attempt: Attempt, reason: string): void {
  if (!wasTakenBack(attempt)) {
    endAttempt(turn, attempt, 'no_verdict', reason);
    return;
  }
  attempt.unsent = true;
  endAttempt(turn, attempt, 'rejected', 'taken back: the target before it rang after all');
}

/** The attempt that the plan waits for; null if it runs none, or that one has its verdict. */
export function runningAttempt({ attempts, running }: Call): Attempt | null {
  return attempts.find(({ id, verdict }) => id === running?.id && verdict === null) ?? null;
}

export function openAttempt(call: Call): Attempt | null {
  return call.attempts.find((attempt) => attempt.verdict === null) ?? null;
}

export function nameOf(attempt: Pick<Attempt, 'target' | 'sipAddress'>): string {
  return attempt.target ?? attempt.sipAddress;
}

/** Why this step cannot become an attempt; null: it can. */
export function whyStopped(turn: Turn, step: MovingStep): string | null {
  return step.problem ?? overBudget(turn, step) ?? tooMany(turn.call);
}

function overBudget(turn: Turn, step: MovingStep): string | null {
  const { call, world } = turn;
  const perCall = step.do === 'refer' ? call.policy?.refersPerCall : call.policy?.transfersPerCall;
  const used = call.attempts.filter((a) => a.kind === step.do && isCounted(a)).length;
  if (perCall !== undefined && perCall !== null && used >= perCall) {
    return `policy ${step.do}s.per_call: ${used} of ${perCall} used`;
  }
  return world.overBudget(step.do, call.facts.from, frees(turn, step.do));
}

/** The refusal of one target must not use up the budget that the next one needs. */
function frees({ before, call }: Turn, kind: Attempt['kind']): boolean {
  const uncounted = call.attempts.filter((a) => a.kind === kind && !isCounted(a));
  return (
    before?.attempts.some((was) => isCounted(was) && uncounted.some(({ id }) => id === was.id)) ??
    false
  );
}

/** A limit whatever the policy allows, because the whole call is loaded with each event. */
function tooMany({ attempts }: Call): string | null {
  const sent = attempts.filter(({ unsent }) => !unsent).length;
  return sent < ATTEMPTS_MAX
    ? null
    : `this call has had ${sent} attempts, the most that one call may have`;
}

/** Records an attempt at a target that is skipped, with the reason; nothing is sent. */
export function skipAttempt(turn: Turn, step: MovingStep, why: string): Attempt {
  return refuseAttempt(turn, step, why, 'skipped');
}

function refuseAttempt(
  turn: Turn,
  step: MovingStep,
  why: string,
  verdict: 'rejected' | 'skipped' = 'rejected',
): Attempt {
  const { attempts } = turn.call;
  const last = attempts.at(-1);
  const repeated = last !== undefined && isSameRefusal(last, step, why);
  const attempt = repeated ? last : draftAttempt(turn, step, takeId(turn, step).id);
  if (repeated) note(turn, `${step.do} to ${nameOf(attempt)}: ${verdict} again (${why})`);
  else if (makeRoomForAttempt(attempts)) attempts.push(attempt);
  attempt.unsent = true;
  endAttempt(turn, attempt, verdict, why);
  return attempt;
}

/** If a caller requests the same refused move again and again, it is recorded once. */
function isSameRefusal(last: Attempt, step: MovingStep, why: string): boolean {
  // Whoever was given an id will ask for the attempt with that id.
  if (step.do === 'refer' && step.attemptId !== undefined) return false;
  const address = step.do === 'refer' ? step.sipAddress : step.to;
  return last.unsent && last.kind === step.do && last.sipAddress === address && last.reason === why;
}

/** Drops attempts that were never sent. Returns false if all of them were sent. */
function makeRoomForAttempt(attempts: Attempt[]): boolean {
  if (attempts.length < ATTEMPTS_MAX) return true;
  const index = attempts.findIndex(({ unsent, verdict }) => unsent && verdict !== null);
  if (index >= 0) attempts.splice(index, 1);
  return index >= 0;
}

/**
 * An id that was given in advance is used only once: if the step runs again, it becomes another
 * attempt.
 */
function takeId(turn: Turn, asked: MovingStep): { id: string; step: MovingStep } {
  if (asked.do === 'transfer' || asked.attemptId === undefined) {
    return { id: newId(turn), step: asked };
  }
  const { attemptId, ...step } = asked;
  return { id: attemptId, step };
}

function draftAttempt(turn: Turn, step: MovingStep, id: string): Attempt {
  return {
    id,
    kind: step.do,
    target: step.target,
    sipAddress: step.do === 'refer' ? step.sipAddress : step.to,
    startedAt: turn.now,
    sentAt: turn.now,
    requestEndedAt: null,
    acceptedAt: null,
    progress: false,
    verdict: null,
    endedAt: null,
    endHeardLateMs: 0,
    final: false,
    finalUnclear: false,
    sipNotifyResponse: null,
    reason: null,
    byeWithoutVerdict: step.do === 'refer' ? step.byeWithoutVerdict : 'unconfirmed',
    unsent: false,
    takenBackAt: null,
    movesOnAnyway: step.ifFailed.no_verdict !== undefined,
    bLeg: null,
    bLegAnswered: false,
    bLegHangup: null,
    bLegEnded: false,
    manual: turn.call.suspended !== null,
  };
}

function issueMove(turn: Turn, step: MovingStep, id: string, giveUpAt: number): void {
  const common = { userToUser: step.userToUser, headers: step.headers, auth: step.auth };
  const options = { id, attemptId: id, giveUpAt };
  if (step.do === 'refer') {
    issue(turn, { action: 'refer', sipAddress: step.sipAddress, ...common }, options);
    return;
  }
  issue(
    turn,
    {
      action: 'transfer',
      to: step.to,
      from: step.from,
      timeoutSecs: clamp(Math.ceil(step.timeoutMs / 1000), TRANSFER_SECS_MIN, TRANSFER_SECS_MAX),
      targetClientState: encodeClientState(id, null),
      ...common,
    },
    options,
  );
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
