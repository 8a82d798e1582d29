/**
 * What follows when a step is over: a branch, by the verdict of its attempt or by the digits of the
 * caller; otherwise the next step of the plan.
 */
import { isImpatient } from './attempt-time.ts';
import { hangUpBLeg } from './b-leg.ts';
import type { Attempt } from './call.ts';
import { reviewSafety } from './movable.ts';
import { isMoving, type MenuStep, type MovingStep, nextWay, putBackStep } from './plan.ts';
import { clearDeadline, dropProbe, note, type Turn, takeBack } from './turn.ts';
import type { Verdict } from './verdict.ts';
import { forgetOtherVoices, isVoice } from './voice.ts';

/** The step that runs, if any, is over: nothing of it is waited for any more. */
export function finishRunning(turn: Turn): void {
  const { call } = turn;
  const running = call.running;
  call.running = null;
  clearDeadline(turn, 'step', 'attempt', 'undecided');
  // A probe about the previous step would continue from the next step and move the caller twice.
  dropProbe(turn);
  if (running === null) return;
  if (!isMoving(running.step)) {
    if (isVoice(running.step)) forgetOtherVoices(turn, running.id);
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
export function afterAttempt(
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

/**
 * The caller's digits select a branch of the menu; without a matching branch the plan continues.
 */
export function chooseBranch(turn: Turn, menu: MenuStep, digits: string | null): void {
  const branch = digits === null ? undefined : menu.digits[digits];
  if (branch !== undefined) turn.call.plan.push({ steps: branch });
  note(turn, branch === undefined ? 'menu: no choice was made' : `menu: ${digits}`);
}
