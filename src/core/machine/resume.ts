/** A manual refer failed: the call returns to what it interrupted. */
import { isConversationOver } from './b-leg.ts';
import type { Suspended } from './call.ts';
import { decideOn, momentOf } from './deciding.ts';
import { hangupExpected, restoreClientState } from './ending.ts';
import { UNDECIDED_MS, WATCH_MS } from './limits.ts';
import { putBackStep } from './plan.ts';
import { chooseBranch } from './step-end.ts';
import { note, setDeadline, type Turn, takeBack } from './turn.ts';
import { acceptVoice, dropParkedLoop, isLooping, isVoice, stopWhileMoving } from './voice.ts';

/** Returns true if the call is settled in a phase; false if the plan goes on. */
export function resume(turn: Turn, suspended: Suspended): boolean {
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
      // Before the manual refer or during it.
      if (phase === 'bridged' && isConversationOver(call)) hangupExpected(turn);
      if (phase === 'unmanaged') restoreClientState(turn);
      return true;
  }
}
