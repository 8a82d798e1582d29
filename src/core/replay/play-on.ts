/**
 * Plays a call on from where other routes part from what really happened: the same `transition`, in
 * virtual time, with targets and a caller who behave as they really did. What is unknown is
 * assumed: a target that was not tried on the recorded call completes at once.
 */

import { answeredOf, dueEvent, hangupOf, laterEvents } from '../dry-run/events.ts';
import type { Attempt, Call, Deadline } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import type { CallEvent } from '../machine/event.ts';
import { type Transition, transition } from '../machine/transition.ts';
import type { RecordedCall } from '../recording/recorded-call.ts';
import { type Answering, answersOf } from './answers-of.ts';
import { happensAnyway, keysPressed, type Live, leftAt, liveUntil } from './caller.ts';
import type { Decider, Parted } from './follow.ts';
import { givenBy } from './given.ts';
import { type TargetState, targetStateOf } from './target-state.ts';

/** A safety limit: calls end long before, because budgets and plans are finite. */
const EVENTS_MAX = 2_000;

export interface PlayedOn {
  call: Call;
  /** Targets that had not been tried, in the order in which they are reached. */
  assumed: string[];
}

interface Play extends Answering {
  live: Live | null;
  decider: Decider;
  onStep: (step: Transition) => void;
  commands: Command[];
  /** Events to come, earliest first. */
  coming: Coming[];
  /** A target that rested on the recorded call does so here. */
  targets: TargetState;
  events: number;
  /** What other applications do with an unmanaged call was put into `coming`. */
  handedOver: boolean;
}

interface Coming {
  at: number;
  event: CallEvent;
  /** The end of this command; it happens again if the command is still running afterwards. */
  endOf?: string;
}

export function playOn(
  from: Call,
  parted: Parted,
  recorded: RecordedCall,
  around: { decider: Decider; onStep?: (step: Transition) => void },
): PlayedOn {
  const { at, commands, rest, shared } = parted;
  const play: Play = {
    call: from,
    now: at,
    live: liveUntil(recorded),
    left: leftAt(recorded),
    decider: around.decider,
    onStep: around.onStep ?? (() => {}),
    commands: [...commands],
    coming: rest
      .filter(({ event }) => happensAnyway(event, shared))
      .map(({ event, now }) => ({ at: now, event })),
    keys: keysPressed(rest, shared),
    lookups: recorded.stored.facts.lookups ?? {},
    given: givenBy(recorded, attemptsSent(from, commands)),
    targets: targetStateOf(recorded),
    assumed: new Set(),
    events: 0,
    handedOver: false,
  };
  const { left } = play;
  if (left !== null) add(play, { at: left, event: hangupOf(from) });
  while (play.call.phase !== 'ended' && play.events < EVENTS_MAX) {
    const command = play.commands.shift();
    if (command !== undefined) carryOut(play, command);
    else if (!goOn(play)) break;
  }
  if (play.call.phase === 'ended') lateFailures(play);
  return { call: play.call, assumed: [...play.assumed] };
}

/** A REFER that is seen to fail after the hangup says that its target never took the caller. */
function lateFailures(play: Play): void {
  for (const { at, event } of play.coming) {
    if (event.type !== 'call.refer.failed') continue;
    play.now = Math.max(play.now, at);
    put(play, event);
  }
}

/** Attempts whose answer is among the recorded events, if there is one. */
function attemptsSent({ attempts }: Call, commands: readonly Command[]): Attempt[] {
  const next = new Set(commands.map(({ id }) => id));
  return attempts.filter(({ id }) => !next.has(id));
}

/** Continues with the next thing that happens; false if nothing more does. */
function goOn(play: Play): boolean {
  const { call } = play;
  switch (call.phase) {
    case 'referred':
    case 'bridged':
      // The caller has arrived; how long they talk does not matter here.
      return leave(play);
    case 'new':
    case 'unmanaged':
      return handOver(play);
    case 'answering':
      // The far end answers an outgoing call, and nothing says when.
      if (call.facts.direction === 'outgoing' && play.coming.length === 0) {
        put(play, answeredOf(call));
        return true;
      }
      return takeNext(play);
    default:
      return takeNext(play);
  }
}

/** The caller hangs up, unless they had not when the recording ends. */
function leave(play: Play): boolean {
  if (play.live !== null) return false;
  put(play, hangupOf(play.call));
  return true;
}

/** A prompt that was not there before may delay attempts that a live call has already made. */
function isBeyond({ live, call }: Play, at: number): boolean {
  return live !== null && at > live.until && call.attempts.length >= live.attempts;
}

/** Another application answers the call, and the caller presses the same keys. */
function handOver(play: Play): boolean {
  const { call, keys } = play;
  if (!play.handedOver) {
    play.handedOver = true;
    const pressed = keys.filter((each) => each !== null);
    for (const event of laterEvents(call, pressed)) add(play, { at: play.now, event });
  }
  const next = play.coming.shift();
  if (next === undefined) return leave(play);
  if (isBeyond(play, next.at)) return false;
  play.now = Math.max(play.now, next.at);
  put(play, next.event);
  return true;
}

/** The next event or deadline, whichever is first. */
function takeNext(play: Play): boolean {
  const { call } = play;
  const [next] = play.coming;
  const due = earliest(call.deadlines);
  if (next === undefined && due === undefined) return leave(play);
  if (isBeyond(play, Math.min(next?.at ?? Infinity, due?.dueAt ?? Infinity))) return false;
  if (next !== undefined && (due === undefined || next.at <= due.dueAt)) {
    play.coming.shift();
    play.now = Math.max(play.now, next.at);
    put(play, next.event);
    // If a loop was playing, the state machine takes the first end for the loop's.
    if (next.endOf !== undefined && play.call.running?.id === next.endOf) put(play, next.event);
  } else if (due !== undefined) {
    play.now = Math.max(play.now, due.dueAt);
    put(play, dueEvent(call, due));
  }
  return true;
}

function earliest(deadlines: readonly Deadline[]): Deadline | undefined {
  let first: Deadline | undefined;
  for (const each of deadlines) if (first === undefined || each.dueAt < first.dueAt) first = each;
  return first;
}

/** Telnyx's side: the answer to one command and the webhooks that follow. */
function carryOut(play: Play, command: Command): void {
  let at = play.now;
  for (const { event, afterMs } of answersOf(play, command)) {
    at += afterMs;
    const endOf = command.action === 'playback_start' && event.source === 'webhook';
    add(play, { at, event, ...(endOf ? { endOf: command.id } : {}) });
  }
}

/**
 * Keeps the order of time; of events at the same time, the one that was added later comes later.
 */
function add({ coming }: Play, next: Coming): void {
  const index = coming.findIndex(({ at }) => at > next.at);
  if (index < 0) coming.push(next);
  else coming.splice(index, 0, next);
}

function put(play: Play, event: CallEvent): void {
  const { now, decider } = play;
  const { resting, refusesRefers } = play.targets;
  play.events += 1;
  decider.taken = [];
  const step = transition(
    play.call,
    {
      ...event,
      id: `${event.id}-${play.events}`,
      receivedAt: now,
      // How long an attempt with an unknown outcome may still report is counted from when it was
      // sent.
      ...(event.source === 'outcome' ? { firstSentAt: event.firstSentAt ?? now } : {}),
    },
    // Budgets are not counted again, because hourly budgets depend on all other calls.
    {
      now,
      heardAt: () => now,
      decide: decider.decide,
      overBudget: () => null,
      resting,
      refusesRefers,
    },
  );
  if (step.refused !== null) return;
  play.call = step.call;
  play.commands = play.commands.filter(({ id }) => !step.cancel.includes(id));
  play.commands.push(...step.commands);
  play.onStep(step);
}
