/** Runs the plan: the next step, and what it needs first. */
import { skipAttempt, startAttempt } from './attempt.ts';
import { answeredLate, isClearing } from './b-leg.ts';
import type { Call } from './call.ts';
import { leaveUnmanaged, release } from './ending.ts';
import {
  ANSWER_SEND_MS,
  ANSWERED_WITHIN_MS,
  OUTCOME_GRACE_MS,
  RINGING_MS_MAX,
  SAME_COMMAND_MS,
} from './limits.ts';
import { isMoving, type MovingStep, putBackStep, type Step } from './plan.ts';
import { resume } from './resume.ts';
import { whySkipped } from './skipping.ts';
import { afterAttempt, finishRunning } from './step-end.ts';
import { issue, note, putBackRunning, setDeadline, type Turn } from './turn.ts';
import { isVoice, startVoice } from './voice.ts';

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

/** 90034: the call was not answered. Answers it, once per call, and repeats the step. */
export function answerAndAgain(turn: Turn, step: Step): void {
  const { call } = turn;
  if (call.answeredAgain || call.answerRefused) return;
  call.answeredAgain = true;
  call.answered = false;
  putBackRunning(turn);
  note(turn, `${step.do}: Telnyx says the call is not answered; answering, then again`);
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
