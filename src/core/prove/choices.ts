/**
 * What may happen next to a call: every answer of a target, every key, a refused answer, the caller
 * hanging up.
 */
import { answeredOf, hangupOf } from '../dry-run/events.ts';
import { answersTo } from '../dry-run/scripted-telnyx.ts';
import type { Verdict } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import { SPEECH_MS_PER_CHARACTER_MIN } from '../machine/limits.ts';
import { attempts } from './attempt-choices.ts';
import { type Answer, advance, put, reachDeadline, type Scene, waitForKeys } from './scene.ts';

/** One thing that may happen, and the call after it. */
export interface Choice {
  name: ChoiceName;
  after: Scene;
}

export type ChoiceName =
  | { kind: 'answered' | 'answer_refused' | 'said' }
  /** `early`: before Telnyx accepts the REFER. */
  | { kind: 'leaves'; early: boolean }
  /** `ringing`: it had begun to ring, so it may still be answered. */
  | { kind: 'verdict'; verdict: Verdict; ringing: boolean }
  /** Null: no key, or one that is not in the menu. */
  | { kind: 'key'; digits: string | null }
  | { kind: 'lookup'; lookup: string; answers: boolean };

export interface Choosing {
  decide: Answer;
  /** Whether durations matter: then everything is played at its longest and at its shortest. */
  timed: boolean;
  /** One target's answer to every caller; null: any answer. */
  fixed: { target: string; verdict: Verdict } | null;
  /** Lookups that must have answered, because otherwise the rule would not have been chosen. */
  answered: ReadonlySet<string>;
}

/**
 * Continues to the next moment at which more than one thing may happen, or to the end of the call.
 */
export function settle(scene: Scene, { decide }: Choosing): { at: Scene; asks: Command | null } {
  let at = scene;
  for (;;) {
    const [command, ...queue] = at.queue;
    const { call } = at;
    if (call.phase === 'ended') return { at, asks: null };
    if (command === undefined) {
      if (AT_REST.has(call.phase)) at = put(at, hangupOf(call), decide);
      else if (call.phase === 'answering') return { at, asks: null };
      else at = reachDeadline(at, decide);
    } else if (isChoice(command)) return { at: { ...at, queue }, asks: command };
    else at = carryOut({ ...at, queue }, command, decide);
  }
}

const AT_REST: ReadonlySet<string> = new Set(['referred', 'bridged', 'unmanaged']);

function isChoice(command: Command): boolean {
  switch (command.action) {
    case 'answer':
    case 'refer':
    case 'transfer':
    case 'gather_using_speak':
    case 'gather_using_audio':
    case 'lookup':
      return true;
    case 'speak':
    case 'playback_start':
      return !command.loop;
    default:
      return false;
  }
}

const NOTHING = { verdict: null, digits: null, leaves: false };

/** Answers commands that leave no choice. Probes stay unanswered, which takes the longest. */
function carryOut(scene: Scene, command: Command, decide: Answer): Scene {
  if (command.action === 'probe' || command.action === 'active_calls') return scene;
  return answersTo(command, { call: scene.call, ...NOTHING }).reduce(
    (at, { event }) => put(at, event, decide),
    scene,
  );
}

export function choicesAt(scene: Scene, command: Command | null, how: Choosing): Choice[] {
  // A leg that we dialled rings until the far end answers.
  if (command === null) return [said(put(scene, answeredOf(scene.call), how.decide)), leave(scene)];
  switch (command.action) {
    case 'answer':
      return answers(scene, command, how);
    case 'refer':
    case 'transfer':
      return attempts(scene, command, how);
    case 'gather_using_speak':
    case 'gather_using_audio':
      return keys(scene, command, how);
    case 'lookup':
      return answersOrNot(scene, command, how);
    default:
      return prompts(scene, command, how);
  }

  function said(after: Scene): Choice {
    return { name: { kind: 'answered' }, after };
  }

  function leave(at: Scene): Choice {
    return { name: LEAVES, after: hangUp(at, how.decide) };
  }
}

function hangUp(scene: Scene, decide: Answer): Scene {
  return { ...put(scene, hangupOf(scene.call), decide), queue: [] };
}

function answers(scene: Scene, command: Command, { decide }: Choosing): Choice[] {
  const play = (answerRefused: boolean) =>
    answersTo(command, { call: scene.call, ...NOTHING, answerRefused }).reduce(
      (at, { event }) => put(at, event, decide),
      scene,
    );
  return [
    { name: { kind: 'answered' }, after: play(false) },
    { name: { kind: 'answer_refused' }, after: play(true) },
    { name: LEAVES, after: hangUp(scene, decide) },
  ];
}

/** Either in the last moment of its time, or not at all. The caller hears ringing meanwhile. */
function answersOrNot(
  scene: Scene,
  command: Extract<Command, { action: 'lookup' }>,
  { decide, answered }: Choosing,
): Choice[] {
  const { name, timeoutMs } = command;
  const late = advance(scene, scene.now + timeoutMs, decide);
  const play = (answers: boolean): Choice => {
    const script = answersTo(command, {
      call: scene.call,
      ...NOTHING,
      lookup: answers ? {} : undefined,
    });
    const after = script.reduce((at, { event }) => put(at, event, decide), late);
    return { name: { kind: 'lookup', lookup: name, answers }, after };
  };
  const choices = answered.has(name) ? [play(true)] : [play(true), play(false)];
  return [...choices, { name: LEAVES, after: hangUp(late, decide) }];
}

const LEAVES: ChoiceName = { kind: 'leaves', early: false };

/** For a prompt or a menu. */
function stepDueAt({ call, now }: Scene): number {
  return call.deadlines.find(({ name }) => name === 'step')?.dueAt ?? now;
}

function keys(
  scene: Scene,
  command: Extract<Command, { action: 'gather_using_speak' | 'gather_using_audio' }>,
  { decide, timed }: Choosing,
): Choice[] {
  const step = scene.call.running?.step;
  const known = step?.do === 'menu' ? Object.keys(step.digits) : [];
  const press = (digits: string | null, atOnce: boolean): Choice => {
    const [accepted, ended] = answersTo(command, { call: scene.call, ...NOTHING, digits });
    let at = accepted === undefined ? scene : put(scene, accepted.event, decide);
    if (!atOnce) at = waitForKeys(advance(at, stepDueAt(at), decide), command.timeoutMs);
    if (ended !== undefined) at = put(at, ended.event, decide);
    return { name: { kind: 'key', digits }, after: at };
  };
  const late = scene.call.deadlines.some(({ name }) => name === 'patience') && timed;
  const [accepted] = answersTo(command, { call: scene.call, ...NOTHING });
  const waiting = accepted === undefined ? scene : put(scene, accepted.event, decide);
  const end = waitForKeys(advance(waiting, stepDueAt(waiting), decide), command.timeoutMs);
  return [
    ...known.map((digits) => press(digits, false)),
    ...(late ? known.map((digits) => press(digits, true)) : []),
    press(null, false),
    { name: LEAVES, after: hangUp(end, decide) },
  ];
}

function prompts(scene: Scene, command: Command, { decide, timed }: Choosing): Choice[] {
  const [accepted, ended] = answersTo(command, { call: scene.call, ...NOTHING });
  if (accepted === undefined || ended === undefined) return [];
  const begun = put(scene, accepted.event, decide);
  const longest = advance(begun, stepDueAt(begun), decide);
  const said = (at: Scene): Choice => ({
    name: { kind: 'said' },
    after: put(at, ended.event, decide),
  });
  const patient = scene.call.deadlines.some(({ name }) => name === 'patience');
  const characters = command.action === 'speak' ? command.text.length : 0;
  const soonest = begun.now + characters * SPEECH_MS_PER_CHARACTER_MIN;
  return [
    said(longest),
    ...(timed && patient ? [said(advance(begun, soonest, decide))] : []),
    { name: LEAVES, after: hangUp(longest, decide) },
  ];
}
