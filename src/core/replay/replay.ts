/**
 * What would have become of a recorded call under other routes. It is decided at the call's own
 * time and played with what its targets and its caller really did, so routes that decide the same
 * lead to what really happened.
 */
import { stepsTaken } from '../dry-run/steps-taken.ts';
import { nameOf } from '../machine/attempt.ts';
import type { Attempt, Call } from '../machine/call.ts';
import { isCounted } from '../machine/counting.ts';
import type { TraceLine } from '../machine/plan.ts';
import { type Transition, transition } from '../machine/transition.ts';
import { sameAnswers } from '../recording/answers.ts';
import {
  type Became,
  becameOf,
  decisionOf,
  type RecordedCall,
} from '../recording/recorded-call.ts';
import type { CompiledRoutes } from '../rules/compiled-routes.ts';
import { createDecider, type Followed, follow } from './follow.ts';
import { type PlayedOn, playOn } from './play-on.ts';

export interface Replayed extends Became {
  /** What Telnyx bills. */
  moves: number;
  /**
   * The destination that the caller reached, otherwise the last one tried; null if there was none.
   */
  target: string | null;
  /** Destinations that were not tried on the recorded call and are assumed to complete. */
  assumed: string[];
  /** Failures of handlers, in words. */
  warnings: string[];
}

/** With steps and reasons, for somebody who opens one call. */
export interface Explained extends Replayed {
  /** In the words of a dry run. */
  path: string[];
  /** The attempts and how they ended. */
  tries: Pick<Attempt, 'target' | 'sipAddress' | 'verdict'>[];
  trace: TraceLine[];
  routeSet: string | null;
}

/** What really happened. */
export function happened({ stored }: Pick<RecordedCall, 'stored'>): Replayed {
  return { ...resultOf(stored), assumed: [], warnings: [] };
}

/** Equals `happened` if the routes decide as the routes of that time did. */
export function replay(recorded: RecordedCall, routes: CompiledRoutes): Replayed {
  return run(recorded, routes, null).replayed;
}

export function explainThen(recorded: RecordedCall): Explained {
  const path = createPath();
  let call: Call | null = null;
  for (const each of recorded.events) {
    const step = transition(
      call,
      each.event,
      sameAnswers(each, () => {}),
    );
    if (step.refused !== null) continue;
    call = step.call;
    path.add(step);
  }
  return {
    ...happened(recorded),
    path: path.steps,
    tries: recorded.stored.attempts,
    trace: decisionOf(recorded)?.decision.trace ?? [],
    routeSet: recorded.stored.routeSet,
  };
}

export function explainNow(recorded: RecordedCall, routes: CompiledRoutes): Explained {
  const path = createPath();
  const { replayed, tries, trace } = run(recorded, routes, path);
  return { ...replayed, path: path.steps, tries, trace, routeSet: routes.set.hash };
}

/** Whether the caller notices a difference: in the rule, the targets in order, or the end. */
export function differs(one: Became, other: Became): boolean {
  return (
    one.rule !== other.rule ||
    one.ends !== other.ends ||
    one.attempts.length !== other.attempts.length ||
    one.attempts.some((target, index) => target !== other.attempts[index])
  );
}

interface Run {
  replayed: Replayed;
  tries: Attempt[];
  trace: TraceLine[];
}

function run(recorded: RecordedCall, routes: CompiledRoutes, path: Path | null): Run {
  const { stored } = recorded;
  const decider = createDecider(routes, path !== null);
  const onStep = path === null ? () => {} : path.add;
  const followed = follow(recorded, decider, { toTheEnd: path !== null, onStep });
  const { trace, warnings } = decider;
  if (followed === null) {
    return { replayed: { ...happened(recorded), warnings }, tries: stored.attempts, trace };
  }
  const { call, parted } = followed;
  if (parted === null) {
    const replayed = { ...unparted(stored, followed), warnings };
    return { replayed, tries: stored.attempts, trace };
  }
  const played: PlayedOn = playOn(call, parted, recorded, { decider, onStep });
  const replayed = { ...resultOf(played.call), assumed: played.assumed, warnings };
  return { replayed, tries: played.call.attempts, trace };
}

/**
 * Everything would have happened as it did. The stored call counts, and not what its events lead to
 * now, so that a machine that was improved since does not look like different routes.
 */
function unparted(stored: Call, { call, real, forked }: Followed): Omit<Replayed, 'warnings'> {
  const then = { ...resultOf(stored), rule: call.rule, assumed: [] };
  return forked && call.ends !== real.ends ? { ...then, ends: call.ends } : then;
}

function resultOf(call: Call): Omit<Replayed, 'assumed' | 'warnings'> {
  const { attempts } = call;
  const reached = attempts.findLast(({ verdict }) => verdict === 'completed') ?? attempts.at(-1);
  return {
    ...becameOf(call),
    moves: attempts.filter(isCounted).length,
    target: reached === undefined ? null : nameOf(reached),
  };
}

interface Path {
  steps: string[];
  add(step: Transition): void;
}

/** The steps of a call in words, as a dry run gives them. */
function createPath(): Path {
  const steps: string[] = [];
  let walked = 0;
  return {
    steps,
    add({ call, commands, notes }) {
      steps.push(...stepsTaken(call.attempts, walked, commands, notes));
      walked = call.attempts.length;
    },
  };
}
