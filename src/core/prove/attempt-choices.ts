/** What may happen next to a caller who is being moved: a verdict, now or late, or they hang up. */
import { answersTo } from '../dry-run/scripted-telnyx.ts';
import type { Verdict } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import { isMoving, type Step } from '../machine/plan.ts';
import { FAILED_VERDICTS, type FailedVerdict, isFailed } from '../machine/verdict.ts';
import type { Choice, Choosing } from './choices.ts';
import { type Answer, advance, put, type Scene } from './scene.ts';

interface Attempted {
  verdict: Verdict | null;
  leaves?: boolean;
  rings?: boolean;
  /** At once instead of in the last moment that the machine waits for. */
  atOnce?: boolean;
}

export function attempts(scene: Scene, command: Command, how: Choosing): Choice[] {
  const { call } = scene;
  const target = call.attempts.find(({ id }) => id === command.id)?.target ?? null;
  const play = (what: Attempted) => playAttempt(scene, command, what, how.decide);
  const verdict = (what: Attempted & { verdict: Verdict }): Choice => ({
    name: { kind: 'verdict', verdict: what.verdict, ringing: what.rings === true },
    after: play(what),
  });
  const leaves = (what: Attempted): Choice => ({
    name: { kind: 'leaves', early: what.verdict !== null },
    after: play(what),
  });
  const isFixed = how.fixed !== null && how.fixed.target === target;
  const failed = isFixed && how.fixed !== null ? [how.fixed.verdict] : failures(scene);
  const choices: Choice[] = isFixed ? [] : [verdict({ verdict: 'completed' })];
  for (const each of failed) {
    choices.push(verdict({ verdict: each }));
    if (how.timed && !AT_ONCE.has(each)) choices.push(verdict({ verdict: each, atOnce: true }));
    if (each === 'no_verdict' && command.action === 'refer') {
      choices.push(verdict({ verdict: each, rings: true }));
    }
  }
  if (command.action === 'refer') choices.push(leaves({ verdict: 'abandoned', leaves: true }));
  choices.push(leaves({ verdict: null, leaves: true }));
  return choices;
}

/**
 * Verdicts whose time is fixed: the API refuses at once, and silence lasts until it is given up.
 */
const AT_ONCE: ReadonlySet<Verdict> = new Set(['rejected', 'no_verdict']);

/**
 * One verdict for each branch of `if_failed`, and further ones that differ in more than their
 * branch.
 */
function failures({ call }: Scene): FailedVerdict[] {
  const step = call.running?.step;
  const seen = new Set<unknown>();
  return FAILED_VERDICTS.filter((verdict) => {
    if (AT_ONCE.has(verdict)) return true;
    const branch = branchAfter(step, verdict);
    const known = seen.has(branch);
    seen.add(branch);
    return !known;
  });
}

/** What follows a verdict, for comparison with another verdict; null: the next step. */
function branchAfter(step: Step | undefined, verdict: FailedVerdict): object | null {
  if (step === undefined || !isMoving(step)) return null;
  if (verdict === 'not_allowed' && step.otherWay !== undefined) return step.otherWay;
  return step.ifFailed[verdict] ?? null;
}

/** All verdicts that lead to the same branch as this one, which comes first. */
export function alike({ call }: Scene, verdict: Verdict): Verdict[] {
  const step = call.running?.step;
  if (step === undefined || !isMoving(step) || AT_ONCE.has(verdict)) return [verdict];
  if (!isFailed(verdict)) return [verdict];
  const branch = branchAfter(step, verdict);
  return FAILED_VERDICTS.filter((each) => !AT_ONCE.has(each) && branchAfter(step, each) === branch);
}

function playAttempt(scene: Scene, command: Command, what: Attempted, decide: Answer): Scene {
  const { verdict, leaves = false, rings = false, atOnce = false } = what;
  const script = answersTo(command, { call: scene.call, verdict, digits: null, leaves, rings });
  let at = scene;
  for (const { event, afterMs } of script) {
    if (afterMs > 0 && !atOnce) at = advance(at, lastMoment(at), decide);
    at = put(at, event, decide);
  }
  return leaves ? { ...at, queue: [] } : at;
}

/** For the running attempt: just before its deadline, or before patience is over. */
function lastMoment({ call, now }: Scene): number {
  const waits = call.deadlines.filter(({ name }) => name === 'attempt' || name === 'patience');
  return Math.max(now, Math.min(...waits.map(({ dueAt }) => dueAt)));
}
