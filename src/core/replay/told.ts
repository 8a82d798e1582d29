/**
 * What the machine was told of targets on a recorded call: which of them rested, and which were
 * known to refuse a REFER. The recording has these answers in order and without names, so what was
 * asked is found by running its events again.
 */
import type { Call } from '../machine/call.ts';
import { ALL_AWAKE, transition, type World } from '../machine/transition.ts';
import { sameAnswers } from '../recording/answers.ts';
import type { RecordedCall, RecordedEvent } from '../recording/recorded-call.ts';

export type ToldOfTargets = Pick<World, 'resting' | 'refusesRefers'>;

/** While one event was processed. `real`: the recorded call before it. */
export function toldDuring(real: Call | null, item: RecordedEvent): ToldOfTargets {
  if (!tells(item)) return ALL_AWAKE;
  const told = createTold();
  transition(real, item.event, told.world(item));
  return told;
}

/** On the whole call: it is over long before a target that rests is tried again. */
export function toldOn({ events }: Pick<RecordedCall, 'events'>): ToldOfTargets {
  if (!events.some(tells)) return ALL_AWAKE;
  const told = createTold();
  let call: Call | null = null;
  for (const item of events) {
    const step = transition(call, item.event, told.world(item));
    if (step.refused === null) call = step.call;
  }
  return told;
}

function tells({ answers }: RecordedEvent): boolean {
  return answers.resting.length > 0 || answers.refusesRefers.length > 0;
}

function createTold() {
  const rest = new Map<string, string>();
  const refuse = new Map<string, string>();
  const keyOf = (connectionId: string, target: string) => `${connectionId} ${target}`;
  return {
    resting: (target: string) => rest.get(target) ?? null,
    refusesRefers: (connectionId: string, target: string) =>
      refuse.get(keyOf(connectionId, target)) ?? null,
    /** Gives the recorded answers, and keeps what they were about. */
    world(item: RecordedEvent): World {
      const then = sameAnswers(item, () => {});
      return {
        ...then,
        resting(target) {
          const why = then.resting(target);
          if (why !== null) rest.set(target, why);
          return why;
        },
        refusesRefers(connectionId, target) {
          const why = then.refusesRefers(connectionId, target);
          if (why !== null) refuse.set(keyOf(connectionId, target), why);
          return why;
        },
      };
    },
  };
}
