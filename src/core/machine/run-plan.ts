/**
 * Runs the plan: the next step, what it needs first, and what follows when it succeeds or fails.
 */
import { skipAttempt, startAttempt } from './attempt.ts';
import { isImpatient } from './attempt-time.ts';
import { awaitingFinal } from './attribution.ts';
import { answeredLate, hangUpBLeg, isClearing } from './b-leg.ts';
import type { Attempt, Call, Suspended } from './call.ts';
import { decideOn, momentOf } from './deciding.ts';
import { hangupExpected, leaveUnmanaged, release, restoreClientState } from './ending.ts';
import {
  ANSWER_SEND_MS,
  ANSWERED_WITHIN_MS,
  OUTCOME_GRACE_MS,
  RINGING_MS_MAX,
  SAME_COMMAND_MS,
  UNDECIDED_MS,
  WATCH_MS,
} from './limits.ts';
import {
  isMoving,
  type MenuStep,
  type MovingStep,
  nextWay,
  putBackStep,
  type Step,
} from './plan.ts';
import { whySkipped } from './skipping.ts';
import {
  clearDeadline,
  dropProbe,
  issue,
  note,
  putBackRunning,
  setDeadline,
  type Turn,
  takeBack,
} from './turn.ts';
import { isContradictory, type Verdict } from './verdict.ts';
import {
  acceptVoice,
  dropParkedLoop,
  forgetVoices,
  isLooping,
  isVoice,
  startVoice,
  stopWhileMoving,
} from './voice.ts';

/** Runs steps until one holds the call. Every path ends in a phase with a deadline. */
export function runPlan(turn: Turn): void {
  const { call } = turn;
  finishRunning(turn);
  for (;;) {
    if (answeredLate(call) !== null) {
      holdForBLeg(turn, OUTCOME_GRACE_MS);
      return;
    }
    const step = nextStep(call);
    const holds = step === null ? planUsedUp(turn) : startStep(turn, step);
    if (holds) return;
  }
}

/**
 * The caller's digits select a branch of the menu; without a matching branch the plan continues.
 */
export function chooseBranch(turn: Turn, menu: MenuStep, digits: string | null): void {
  const branch = digits === null ? undefined : menu.digits[digits];
  if (branch !== undefined) turn.call.plan.push({ steps: branch });
  note(turn, branch === undefined ? 'menu: no choice was made' : `menu: ${digits}`);
}

/** 90034: the call was not answered. Answers it, once per call, and repeats the step. */
export function answerAndAgain(turn: Turn, step: Step): void {
  const { call } = turn;
  if (call.answeredAgain || call.answerRefused) return;
  call.answeredAgain = true;
  call.answered = false;
  putBackRunning(turn);
  note(turn, `${step.do}: Telnyx says the call is not answered; answering, then again`);
}

/** The rest of the plan after an attempt or an answered menu. */
function finishRunning(turn: Turn): void {
  const { call } = turn;
  const running = call.running;
  call.running = null;
  clearDeadline(turn, 'step', 'attempt', 'undecided');
  // A probe about the previous step would continue from the next step and move the caller twice.
  dropProbe(turn);
  if (running === null) return;
  if (!isMoving(running.step)) {
    if (isVoice(running.step)) forgetVoices(turn, false);
    takeBack(turn, running.id);
    return;
  }
  const attempt = call.attempts.find(({ id }) => id === running.id);
  if (attempt !== undefined) afterAttempt(turn, running.step, attempt);
}

/**
 * The other way of `via`, then `if_failed` of the verdict; a pick's sibling before `any`; otherwise
 * the next step. `verdict`: of a skipped target, the one that it would have got.
 */
function afterAttempt(
  turn: Turn,
  step: MovingStep,
  attempt: Attempt,
  verdict: Verdict | null = attempt.verdict,
): void {
  const { call } = turn;
  if (verdict === null || verdict === 'completed' || verdict === 'abandoned') return;
  if (verdict === 'no_verdict') hangUpBLeg(turn, attempt);
  // The far end may still answer and a REFER cannot be cancelled, so only an explicit branch moves
  // on: neither the plan nor, after patience, an operator.
  if (attempt.kind === 'refer' && verdict === 'no_verdict' && attempt.progress) {
    if (attempt.movesOnAnyway) reviewSafety(call);
    else call.movingUnsafe = true;
  }
  // Patience ended it or ran out meanwhile, so the last resort is next.
  if (isImpatient(call)) {
    call.plan = [];
    return;
  }
  const way = nextWay(step, verdict);
  if (way !== null) {
    note(turn, `${step.do}: ${verdict}; the same target by ${way.do}`);
    putBackStep(call.plan, way);
    return;
  }
  const named = verdict === 'skipped' ? undefined : step.ifFailed[verdict];
  const branch = named ?? (step.sibling ? undefined : step.ifFailed.any);
  if (branch !== undefined) call.plan.push({ steps: branch });
}

function nextStep(call: Call): Step | null {
  const frame = call.plan.at(-1);
  const step = frame?.steps[0];
  if (frame === undefined || step === undefined) return null;
  call.plan[call.plan.length - 1] = { steps: frame.steps.slice(1) };
  return step;
}

/**
 * Returns true if the step holds the call or ended its plan; false if the next step runs at once.
 */
function startStep(turn: Turn, step: Step): boolean {
  const { call } = turn;
  if (isMoving(step) && !mayMove(turn, step)) return false;
  if (isMoving(step) && isClearing(call)) {
    putBackStep(call.plan, step);
    note(turn, `${step.do} waits until the B-leg is hung up`);
    holdForBLeg(turn, SAME_COMMAND_MS);
    return true;
  }
  if ((isMoving(step) || isVoice(step)) && !call.answered) {
    if (!isMoving(step) || step.problem === null) return answerFirst(turn, step);
  }
  switch (step.do) {
    case 'refer':
    case 'transfer': {
      const skipped = whySkipped(turn, step);
      if (skipped !== null) {
        afterAttempt(turn, step, skipAttempt(turn, step, skipped.why), skipped.as);
        return false;
      }
      const attempt = startAttempt(turn, step);
      if (attempt.verdict !== null) afterAttempt(turn, step, attempt);
      return attempt.verdict === null;
    }
    case 'say':
    case 'play':
    case 'menu':
      startVoice(turn, step);
      return true;
    case 'reject':
      release(turn, call.lastResortRan ? 'failed' : 'rejected', step.cause);
      return true;
    case 'hangup':
      release(turn, call.lastResortRan ? 'failed' : 'hung_up', null);
      return true;
    case 'ignore':
      leaveUnmanaged(turn, 'ignore: left to another application');
      return true;
    case 'continue':
      call.plan.pop();
      return false;
    default:
      return step satisfies never;
  }
}

function mayMove(turn: Turn, step: MovingStep): boolean {
  const { call } = turn;
  // A manual refer is explicit, and it is refused while moving is unsafe. An earlier target may
  // ring after all while it waits to be sent: then it is no more due than any other step.
  if (call.suspended !== null && !call.movingUnsafe) return true;
  if (call.patienceOver) {
    note(turn, `${step.do} skipped: patience is over`);
    call.plan = [];
    return false;
  }
  if (call.movingUnsafe) {
    note(turn, `${step.do} skipped: an earlier REFER may still be answered`);
    return false;
  }
  return true;
}

/**
 * A B-leg answered while the caller is being moved would hear nobody, and the caller two people.
 * One that answered while its hangup was under way may be talking: then nothing more of the plan
 * runs, not even words.
 */
function holdForBLeg(turn: Turn, forMs: number): void {
  turn.call.phase = 'transferring';
  setDeadline(turn, 'step', forMs);
}

function answerFirst(turn: Turn, step: Step): boolean {
  const { call } = turn;
  if (call.answerRefused) {
    note(turn, `${step.do} skipped: the call cannot be answered`);
    return false;
  }
  putBackStep(call.plan, step);
  call.phase = 'answering';
  if (call.facts.direction === 'outgoing') {
    // Telnyx refuses to answer an outgoing leg (90102); only the far end can. After 90034 it has
    // done so already, and call.answered may not come again.
    note(turn, 'waiting until the far end answers');
    setDeadline(turn, 'step', call.answeredAgain ? ANSWERED_WITHIN_MS : RINGING_MS_MAX);
    return true;
  }
  // The answer that a suspended plan waits for is also enough for the manual refer.
  if (call.suspended?.phase !== 'answering') {
    issue(turn, { action: 'answer' }, { giveUpAt: turn.now + ANSWER_SEND_MS });
    note(turn, 'answer');
  }
  const accepted = !call.outstanding.some(({ action }) => action === 'answer');
  setDeadline(turn, 'step', accepted ? ANSWERED_WITHIN_MS : ANSWER_SEND_MS + OUTCOME_GRACE_MS);
  return true;
}

/** Returns true if the call is settled in a phase; false if the plan has new steps. */
function planUsedUp(turn: Turn): boolean {
  const { call } = turn;
  if (call.suspended !== null) return resume(turn, call.suspended);
  if (call.lastResortRan) {
    release(turn, 'failed', null);
    return true;
  }
  call.lastResortRan = true;
  const why = call.patienceOver ? 'patience is over' : 'every step was used';
  note(turn, `last resort: ${why}`);
  turn.notices.push({ kind: 'last_resort', why });
  call.plan = [{ steps: call.lastResort }];
  return false;
}

/** A manual refer failed: the call returns to the phase it had. */
function resume(turn: Turn, suspended: Suspended): boolean {
  const { call } = turn;
  const { phase, running, done } = suspended;
  call.suspended = null;
  call.plan = [...suspended.plan];
  note(turn, `back to ${phase}`);
  switch (phase) {
    case 'answering':
      return false;
    case 'speaking':
    case 'gathering':
      if (running !== null && isVoice(running.step) && done === null) {
        dropParkedLoop(turn);
        if (isLooping(call)) {
          // The loop of `while_moving` has replaced it.
          takeBack(turn, running.id);
          putBackStep(call.plan, running.step);
          return false;
        }
        call.phase = phase;
        call.running = running;
        acceptVoice(turn, running.step);
        return true;
      }
      if (running?.step.do === 'menu') chooseBranch(turn, running.step, done?.digits ?? null);
      return false;
    case 'new':
      call.phase = 'new';
      setDeadline(turn, 'undecided', UNDECIDED_MS);
      return call.facts.direction === null || !decideOn(turn, [momentOf(turn, 'call.initiated')]);
    default:
      call.phase = phase;
      stopWhileMoving(turn);
      setDeadline(turn, 'watch', WATCH_MS);
      // The other side of the conversation has hung up, before the manual refer or during it.
      if (phase === 'bridged' && call.attempts.some(hasTalked)) hangupExpected(turn);
      if (phase === 'unmanaged') restoreClientState(turn);
      return true;
  }
}

function hasTalked({ kind, verdict, bLegEnded }: Attempt): boolean {
  return kind === 'transfer' && verdict === 'completed' && bLegEnded;
}

/**
 * Whether moving is safe again: every attempt that rang has ended, but for those over which the
 * route moves on anyway.
 */
export function reviewSafety(call: Call): void {
  if (!call.movingUnsafe) return;
  call.movingUnsafe =
    awaitingFinal(call).some(({ progress, movesOnAnyway }) => progress && !movesOnAnyway) ||
    call.attempts.some(
      (attempt) =>
        attempt.final &&
        isContradictory(attempt.sipNotifyResponse) &&
        attempt.verdict !== 'completed',
    );
}
