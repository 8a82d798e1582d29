/**
 * A call at one moment of virtual time, as a value, so that any number of continuations can be
 * played from it. `transition` decides what happens, and between two choices only the machine's own
 * deadlines do.
 */
import { dueEvent } from '../dry-run/events.ts';
import { stepsTaken } from '../dry-run/steps-taken.ts';
import type { Call, CallFacts } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import { isCounted } from '../machine/counting.ts';
import type { CallEvent } from '../machine/event.ts';
import type { Decision, Moment } from '../machine/plan.ts';
import { ALL_AWAKE, transition } from '../machine/transition.ts';
import { isLooping } from '../machine/voice.ts';

export interface Scene {
  call: Call;
  now: number;
  /** Commands that Telnyx has not answered yet. */
  queue: Command[];
  /** How many events there were, from which each new one gets its id. */
  events: number;
  /** Steps since the last choice. */
  steps: string[];
  /** Since when an answered caller has heard nothing; null while they hear something. */
  silentSince: number | null;
  /** The longest such stretch since the last choice. */
  silenceMs: number;
  /**
   * When the caller heard the first word of the last prompt, as long as nothing else is tried after
   * it.
   */
  promptAt: number | null;
  /** A prompt has been heard. */
  heard: boolean;
  /** When the caller arrived, hung up or was released. */
  overAt: number | null;
  /** Released without a prompt, and not rejected before the answer either. */
  unheard: boolean;
}

export type Answer = (event: CallEvent, facts: CallFacts, moment: Moment) => Decision;

/** Applies an event to the call and returns the new scene; the old one is unchanged. */
export function put(scene: Scene, event: CallEvent, decide: Answer): Scene {
  const out = transition(scene.call, named(scene, event), {
    now: scene.now,
    heardAt: () => scene.now,
    decide: (facts, moment) => decide(event, facts, moment),
    // A used-up budget refuses the step as Telnyx may do: `rejected` stands for both.
    overBudget: () => null,
    // Every target is tried, because a caller may meet any of them.
    ...ALL_AWAKE,
  });
  const events = scene.events + 1;
  if (out.refused !== null) return { ...scene, events };
  const { commands, cancel, notes, call } = out;
  const kept = scene.queue.filter(({ id }) => !cancel.includes(id));
  const steps = stepsTaken(call.attempts, scene.call.attempts.length, commands, notes);
  const next = {
    ...scene,
    call,
    events,
    queue: [...kept, ...commands],
    steps: [...scene.steps, ...steps],
  };
  return listen(commands.reduce(heardOf, next));
}

function named(scene: Scene, event: CallEvent): CallEvent {
  const known = { id: `${event.id}-${scene.events}`, receivedAt: scene.now };
  return event.source === 'outcome'
    ? { ...event, ...known, firstSentAt: scene.now }
    : { ...event, ...known };
}

/** What a command means for what the caller hears. */
function heardOf(scene: Scene, command: Command): Scene {
  if (command.legId !== command.callId) return scene;
  switch (command.action) {
    case 'speak':
    case 'playback_start':
      return command.loop ? scene : { ...scene, promptAt: scene.now, heard: true };
    case 'gather_using_speak':
    case 'gather_using_audio':
      return { ...scene, promptAt: null, heard: true };
    case 'refer':
    case 'transfer':
      return { ...scene, promptAt: null };
    case 'reject':
      return { ...scene, overAt: scene.overAt ?? scene.now };
    case 'hangup': {
      // If Telnyx refused the answer, no prompt can be played, whatever the route says.
      const unheard = !scene.heard && !scene.call.answerRefused;
      return { ...scene, overAt: scene.overAt ?? scene.now, unheard };
    }
    default:
      return scene;
  }
}

const OVER: ReadonlySet<Call['phase']> = new Set([
  'referred',
  'bridged',
  'releasing',
  'unmanaged',
  'ended',
]);

/** Begins and ends the stretches in which the caller hears nothing. */
function listen(scene: Scene): Scene {
  const { call, now, silentSince } = scene;
  const over = OVER.has(call.phase);
  const overAt = scene.overAt ?? (over && call.phase !== 'unmanaged' ? now : null);
  const voiced = call.phase === 'speaking' || call.phase === 'gathering' || isLooping(call);
  const silent = call.answered && !over && !voiced;
  if (silent) return silentSince === null ? { ...scene, overAt, silentSince: now } : scene;
  if (silentSince === null) return { ...scene, overAt };
  const silenceMs = Math.max(scene.silenceMs, now - silentSince);
  return { ...scene, overAt, silentSince: null, silenceMs };
}

/** A menu: for each try its words, then the time for a key, in which nothing is heard. */
export function waitForKeys(scene: Scene, timeoutMs: number): Scene {
  const silenceMs = Math.max(scene.silenceMs, timeoutMs);
  return { ...scene, silentSince: scene.now - timeoutMs, silenceMs };
}

/** Time passes, and all deadlines before its end are applied. A deadline at the very end is not. */
export function advance(scene: Scene, untilMs: number, decide: Answer): Scene {
  let at = scene;
  for (let due = nextDue(at); due !== null && due.dueAt < untilMs; due = nextDue(at)) {
    at = put({ ...at, now: Math.max(at.now, due.dueAt) }, dueEvent(at.call, due), decide);
  }
  return { ...at, now: Math.max(at.now, untilMs) };
}

/** Nothing else happens before the next deadline is due. */
export function reachDeadline(scene: Scene, decide: Answer): Scene {
  const due = nextDue(scene);
  if (due === null) throw new Error(`a call in ${scene.call.phase} has no deadline`);
  const now = Math.max(scene.now, due.dueAt);
  return put({ ...scene, now }, dueEvent(scene.call, due), decide);
}

function nextDue({ call }: Scene): Call['deadlines'][number] | null {
  return call.deadlines.reduce<Call['deadlines'][number] | null>(
    (first, due) => (first === null || due.dueAt < first.dueAt ? due : first),
    null,
  );
}

/** REFERs, or transfers, that Telnyx would bill. */
export function movesOf({ attempts }: Call, kind: 'refer' | 'transfer'): number {
  return attempts.filter((attempt) => attempt.kind === kind && isCounted(attempt)).length;
}
