/**
 * The state of the targets during a recorded call: which of them rested, and which were known to
 * refuse a REFER. The recording has what the machine was answered in order and without names, so
 * what it asked is found by running its events again.
 */
import type { Call } from '../machine/call.ts';
import { ALL_AWAKE, transition, type World } from '../machine/transition.ts';
import { sameAnswers } from '../recording/answers.ts';
import type { RecordedCall, RecordedEvent } from '../recording/recorded-call.ts';

export type TargetState = Pick<World, 'resting' | 'refusesRefers'>;

export interface RecordedTargetState extends TargetState {
  /** As it was while one event was processed. `real`: the recorded call before it. */
  during(real: Call | null, item: RecordedEvent): TargetState;
}

const NOTHING: RecordedTargetState = { ...ALL_AWAKE, during: () => ALL_AWAKE };

/** On the whole call: it is over long before a target that rests is tried again. */
export function targetStateOf({ events }: Pick<RecordedCall, 'events'>): RecordedTargetState {
  if (!events.some(knowsAny)) return NOTHING;
  const all = createNotes();
  let call: Call | null = null;
  for (const item of events) {
    const step = transition(call, item.event, all.world(item));
    if (step.refused === null) call = step.call;
  }
  return {
    resting: all.resting,
    refusesRefers: all.refusesRefers,
    during(real, item) {
      const own = createNotes();
      transition(real, item.event, own.world(item));
      return {
        resting: (target) => (own.asked.has(target) ? own : all).resting(target),
        refusesRefers: (connectionId, target) =>
          (own.asked.has(keyOf(connectionId, target)) ? own : all).refusesRefers(
            connectionId,
            target,
          ),
      };
    },
  };
}

function knowsAny({ answers }: RecordedEvent): boolean {
  return answers.resting.length > 0 || answers.refusesRefers.length > 0;
}

function keyOf(connectionId: string, target: string): string {
  return `${connectionId} ${target}`;
}

function createNotes() {
  const rest = new Map<string, string>();
  const refuse = new Map<string, string>();
  const asked = new Set<string>();
  const note = (kept: Map<string, string>, key: string, why: string | null) => {
    asked.add(key);
    if (why !== null) kept.set(key, why);
    return why;
  };
  return {
    /** Names of targets, and connections with targets. */
    asked,
    resting: (target: string) => rest.get(target) ?? null,
    refusesRefers: (connectionId: string, target: string) =>
      refuse.get(keyOf(connectionId, target)) ?? null,
    /** Gives the recorded answers, and notes what they are about. */
    world(item: RecordedEvent): World {
      const then = sameAnswers(item, () => {});
      return {
        ...then,
        resting: (target) => note(rest, target, then.resting(target)),
        refusesRefers: (connectionId, target) =>
          note(refuse, keyOf(connectionId, target), then.refusesRefers(connectionId, target)),
      };
    },
  };
}
