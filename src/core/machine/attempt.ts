/** Attempts: starting one, finding the one an event speaks of, ending it with a verdict. */
import type { Attempt, Call, Verdict } from './call.ts';
import { decodeClientState, encodeClientState } from './client-state.ts';
import type { WebhookEvent } from './event.ts';
import {
  OUTCOME_GRACE_MS,
  PATIENCE_MS,
  SAME_COMMAND_MS,
  TRANSFER_GRACE_MS,
  TRANSFER_SECS_MAX,
  TRANSFER_SECS_MIN,
  UNKNOWN_LEFT_MS_MIN,
} from './limits.ts';
import { isMoving, type MovingStep } from './plan.ts';
import {
  clearDeadline,
  deadlineOf,
  issue,
  newId,
  note,
  setDeadline,
  type Turn,
  takeBack,
} from './turn.ts';
import { startWhileMoving } from './voice.ts';

/**
 * Stores the one command of a new attempt and enters its phase. A step that cannot be done (bad
 * template, policy, budget) becomes an attempt that was never sent, with the verdict `rejected`.
 */
export function startAttempt(turn: Turn, step: MovingStep): Attempt {
  const { call } = turn;
  const stopped = step.problem ?? overBudget(turn, step);
  if (stopped !== null) return refuseAttempt(turn, step, stopped);

  if (deadlineOf(call, 'patience') === null) {
    setDeadline(turn, 'patience', call.policy?.patienceMs ?? PATIENCE_MS);
  }
  const id = newId(turn);
  startWhileMoving(turn);
  const attempt = draftAttempt(turn, step, id);
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

/** The request was accepted, or something shows that it must have been: the attempt's own clock starts. */
export function acceptAttempt(turn: Turn, attempt: Attempt): void {
  if (attempt.acceptedAt !== null) return;
  attempt.acceptedAt = turn.now;
  if (attempt.verdict !== null || turn.call.running?.id !== attempt.id) return;
  const { step } = turn.call.running;
  const timeoutMs = step.do === 'refer' || step.do === 'transfer' ? step.timeoutMs : 0;
  // While a probe asks whether the leg lives, its own deadline concludes.
  if (turn.call.probe === null) {
    setDeadline(turn, 'attempt', timeoutMs + (attempt.kind === 'transfer' ? TRANSFER_GRACE_MS : 0));
  }
}

/**
 * A request of which nobody knows may have been carried out: it has the time of its step from when it first
 * left, or the next one would move the caller again while the far end still rings. False where it has had that.
 */
export function awaitUnknown(turn: Turn, { id, sentAt }: Attempt): boolean {
  const { call, now } = turn;
  const step = call.running?.id === id ? call.running.step : null;
  if (step === null || !isMoving(step) || call.probe !== null || call.patienceOver) return false;
  const leftMs = sentAt + Math.min(step.timeoutMs, SAME_COMMAND_MS) - now;
  if (leftMs < UNKNOWN_LEFT_MS_MIN) return false;
  setDeadline(turn, 'attempt', leftMs);
  return true;
}

export function progressAttempt(turn: Turn, attempt: Attempt): void {
  acceptAttempt(turn, attempt);
  if (attempt.progress) return;
  attempt.progress = true;
  turn.notices.push({ kind: 'attempt_progress', attempt });
}

/** Writes the verdict; an earlier one is overwritten only by what the caller of this function knows better. */
export function endAttempt(turn: Turn, attempt: Attempt, verdict: Verdict, reason: string): void {
  const corrected = attempt.verdict !== null;
  if (corrected && attempt.verdict === verdict) return;
  attempt.verdict = verdict;
  attempt.reason = reason;
  attempt.endedAt = turn.now;
  if (turn.call.running?.id === attempt.id) clearDeadline(turn, 'attempt');
  // An answer of 500 may have hidden that it ran; with its end known nothing of it is repeated.
  takeBack(turn, attempt.id);
  note(turn, `${attempt.kind} to ${nameOf(attempt)}: ${verdict} (${reason})`);
  turn.notices.push({ kind: 'attempt_ended', attempt, corrected });
}

/**
 * Attempts whose final event (call.refer.completed or .failed) is still owed, the oldest first. An
 * attempt that we gave up on stays here: Telnyx may speak of it yet.
 */
export function awaitingFinal(call: Call): Attempt[] {
  return call.attempts.filter(
    (attempt) =>
      attempt.kind === 'refer' &&
      !attempt.unsent &&
      !attempt.final &&
      attempt.verdict !== 'rejected',
  );
}

export function openAttempt(call: Call): Attempt | null {
  return call.attempts.find((attempt) => attempt.verdict === null) ?? null;
}

/**
 * The attempt a call.refer.* event speaks of. The envelope belongs to the leg, the last writer wins,
 * and Telnyx stamps it when it emits the event: it is good evidence only while every earlier attempt
 * has its final event.
 */
export function attributeRefer(call: Call, event: WebhookEvent): Attempt | null {
  const awaiting = awaitingFinal(call);
  const named = namedAttempt(call, event);
  if (named === null) return awaiting.length === 1 ? (awaiting[0] ?? null) : null;
  const older = awaiting.filter(
    (attempt) => call.attempts.indexOf(attempt) < call.attempts.indexOf(named),
  );
  const oldest = older[0];
  if (oldest === undefined) return named;
  if (event.type === 'call.refer.failed') return oldest;
  const before = event.occurredAt !== null && event.occurredAt < named.sentAt;
  return before ? oldest : named;
}

function namedAttempt(call: Call, event: WebhookEvent): Attempt | null {
  const envelope = decodeClientState(event.clientState);
  if (envelope === null) return null;
  return (
    call.attempts.find(
      ({ id, kind, unsent }) => id === envelope.a && kind === 'refer' && !unsent,
    ) ?? null
  );
}

export function nameOf(attempt: Pick<Attempt, 'target' | 'sipAddress'>): string {
  return attempt.target ?? attempt.sipAddress;
}

/** Against the budgets, as Telnyx bills: neither what was never sent nor what its API refused. */
export function isCounted({ unsent, verdict }: Attempt): boolean {
  return !unsent && verdict !== 'rejected';
}

function overBudget(turn: Turn, step: MovingStep): string | null {
  const { call, world } = turn;
  const perCall = step.do === 'refer' ? call.policy?.refersPerCall : call.policy?.transfersPerCall;
  const used = call.attempts.filter((a) => a.kind === step.do && isCounted(a)).length;
  if (perCall !== undefined && perCall !== null && used >= perCall) {
    return `policy ${step.do}s.per_call: ${used} of ${perCall} used`;
  }
  return world.overBudget(step.do, call.facts.from);
}

function refuseAttempt(turn: Turn, step: MovingStep, why: string): Attempt {
  const attempt = draftAttempt(turn, step, newId(turn));
  attempt.unsent = true;
  turn.call.attempts.push(attempt);
  endAttempt(turn, attempt, 'rejected', why);
  return attempt;
}

function draftAttempt(turn: Turn, step: MovingStep, id: string): Attempt {
  return {
    id,
    kind: step.do,
    target: step.target,
    sipAddress: step.do === 'refer' ? step.sipAddress : step.to,
    startedAt: turn.now,
    sentAt: turn.now,
    acceptedAt: null,
    progress: false,
    verdict: null,
    endedAt: null,
    final: false,
    sipNotifyResponse: null,
    reason: null,
    byeWithoutVerdict: step.do === 'refer' ? step.byeWithoutVerdict : 'unconfirmed',
    unsent: false,
    farLeg: null,
    farAnswered: false,
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

/** What is left of the step, of patience, and of Telnyx's memory of a command_id. */
function sendingMs(turn: Turn, timeoutMs: number): number {
  const patienceAt = deadlineOf(turn.call, 'patience');
  const patienceMs = patienceAt === null ? timeoutMs : Math.max(0, patienceAt - turn.now);
  return Math.min(timeoutMs, patienceMs, SAME_COMMAND_MS);
}
