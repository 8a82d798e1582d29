/**
 * Nothing of a command reached Telnyx for all of its time. The command of the next step would not
 * have reached it either, so nothing is lost if the step is still due. A rate limit is an answer of
 * Telnyx, and other steps may pass it.
 */
import type { Call, Suspended } from './call.ts';
import { LAST_WORDS_MS, PATIENCE_MS, UNKNOWN_LEFT_MS_MIN } from './limits.ts';
import { putBackStep } from './plan.ts';
import { deadlineOf, note, putBackRunning, type Turn } from './turn.ts';

export function noteTurnedAway({ call }: Turn, commandId: string, turnedAway: boolean): void {
  call.outstanding = call.outstanding.map((each) =>
    each.id === commandId ? { ...each, turnedAway } : each,
  );
}

export function wasTurnedAway({ outstanding }: Call, commandId: string): boolean {
  return outstanding.some(({ id, turnedAway }) => id === commandId && turnedAway);
}

/**
 * Until patience ends. Before the first move that is as long after the last webhook of the caller,
 * because their hangup may not reach us either. The last words are due for longer: a hangup without
 * them would not be sent sooner.
 */
export function isStillDue({ call, now }: Turn): boolean {
  const { suspended, patienceOver, policy } = call;
  if (suspended !== null) return false;
  const heardAt = call.heardAt ?? call.createdAt;
  if (isLastWords(call)) return heardAt + LAST_WORDS_MS - now >= UNKNOWN_LEFT_MS_MIN;
  if (patienceOver) return false;
  const dueUntil = deadlineOf(call, 'patience') ?? heardAt + (policy?.patienceMs ?? PATIENCE_MS);
  return dueUntil - now >= UNKNOWN_LEFT_MS_MIN;
}

/** The caller is let go after the prompt that runs. */
export function isLastWords({ running, plan, lastResort, lastResortRan }: Call): boolean {
  if (running?.step.do !== 'say' && running?.step.do !== 'play') return false;
  const frame = plan.findLast(({ steps }) => steps[0]?.do !== 'continue');
  const next = frame?.steps[0] ?? (lastResortRan ? undefined : lastResort[0]);
  return next === undefined || next.do === 'hangup' || next.do === 'reject';
}

/** The step that runs, or that the answer is for, runs again. Returns false if it is not due. */
export function keepsTurn(turn: Turn): boolean {
  if (!isStillDue(turn)) return false;
  const { running, plan } = turn.call;
  const step = running?.step ?? plan.at(-1)?.steps[0];
  note(turn, `${step?.do ?? 'answer'}: Telnyx was not reached, so it keeps its turn`);
  putBackRunning(turn);
  turn.goOn = true;
  return true;
}

/** If the manual refer fails, the plan goes on with the prompt that it interrupted. */
export function keepTurnOfSuspended(suspended: Suspended): void {
  if (suspended.running === null) return;
  suspended.plan = [...suspended.plan];
  putBackStep(suspended.plan, suspended.running.step);
  suspended.running = null;
}
