/**
 * Decides whether a target is skipped: because it rests and another one follows, or because a REFER
 * to it is known to be refused and the route says to transfer then.
 */
import { whyStopped } from './attempt.ts';
import { isMoving, type MovingStep, nextWay, type Step } from './plan.ts';
import type { Turn } from './turn.ts';

export interface Skipped {
  why: string;
  /** The verdict that selects the next branch. */
  as: 'skipped' | 'not_allowed';
}

/** Null: the step is tried. A manual refer always is, because somebody asked for it. */
export function whySkipped(turn: Turn, step: MovingStep): Skipped | null {
  const { call, world } = turn;
  if (call.suspended !== null || step.problem !== null || step.target === null) return null;
  const resting = world.resting(step.target);
  // The last target left is always tried, because a caller must have somewhere to go.
  if (resting !== null && somebodyFollows(turn, step)) return { why: resting, as: 'skipped' };
  const refused = refusesRefers(turn, step, step.target);
  return refused === null ? null : { why: refused, as: 'not_allowed' };
}

function refusesRefers(turn: Turn, step: MovingStep, target: string): string | null {
  const { connectionId } = turn.call.facts;
  if (step.do !== 'refer' || connectionId === null) return null;
  const way = nextWay(step, 'not_allowed');
  const next = way ?? step.ifFailed.not_allowed?.[0];
  if (next?.do !== 'transfer' || whyStopped(turn, next) !== null) return null;
  return turn.world.refusesRefers(connectionId, target);
}

/** Whether the plan is certain to try another target if this step is skipped. */
function somebodyFollows(turn: Turn, skipped: MovingStep): boolean {
  const lists = turn.call.plan.map(({ steps }) => steps);
  const branch = branchAny(skipped);
  if (branch !== undefined) lists.push(branch);
  for (const steps of lists.toReversed()) {
    const end = walk(turn, steps, skipped.target);
    if (end !== 'continues') return end === 'moves';
  }
  return false;
}

/**
 * What a list of steps leads to if no resting target is tried. Only `continue` returns to the list
 * below: with any other end the plan is used up.
 */
function walk(
  turn: Turn,
  steps: readonly Step[],
  skipped: string | null,
): 'moves' | 'ends' | 'continues' {
  for (const step of steps) {
    if (isMoving(step)) {
      const kind = whatBecomes(turn, step, skipped);
      if (kind === 'moves') return 'moves';
      const named = kind === 'rejected' ? step.ifFailed.rejected : undefined;
      const branch = named ?? branchAny(step);
      const end = branch === undefined ? 'continues' : walk(turn, branch, skipped);
      if (end !== 'continues') return end;
    } else if (step.do === 'continue') {
      return 'continues';
    } else if (step.do !== 'say' && step.do !== 'play') {
      // It is unknown what a caller will press, and the other steps end the call.
      return 'ends';
    }
  }
  return 'ends';
}

/** Undefined where the list simply goes on. */
function branchAny({ sibling, ifFailed }: MovingStep): Step[] | undefined {
  return sibling ? undefined : ifFailed.any;
}

function whatBecomes(
  turn: Turn,
  step: MovingStep,
  skipped: string | null,
): 'moves' | 'rejected' | 'skipped' {
  if (whyStopped(turn, step) !== null) return 'rejected';
  if (step.target === null) return 'moves';
  const rests = step.target === skipped || turn.world.resting(step.target) !== null;
  return rests ? 'skipped' : 'moves';
}
