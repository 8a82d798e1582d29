/**
 * The state machine: the only place where an event changes a call. It is pure and synchronous,
 * without clock, random numbers or I/O. The server, `check`, `route` and the property tests run
 * this function. docs/call-phases.md has a picture.
 *
 * Every event is legal in every phase. Late, repeated, early and unknown events are recorded on the
 * timeline, and none of them undoes what a newer fact has settled.
 */
import { giveUpLookup } from './ask-lookup.ts';
import { noteApplied } from './attempt.ts';
import type { Attempt, Call } from './call.ts';
import type { Command } from './command.ts';
import type { CallEvent, ManualEvent } from './event.ts';
import { isGone, settleGone } from './gone.ts';
import { UNDECIDED_MS } from './limits.ts';
import { whyNotMovable } from './movable.ts';
import { cameAt, newCall } from './new-call.ts';
import type { Notice } from './notice.ts';
import { onBLeg } from './on-b-leg.ts';
import { onDeadline } from './on-deadline.ts';
import { onOperator } from './on-operator.ts';
import { onOutcome } from './on-outcome.ts';
import { onWebhook } from './on-webhook.ts';
import type { TraceLine } from './plan.ts';
import { runPlan } from './run-plan.ts';
import { cancelOutstanding, note, sendParked, setDeadline, type Turn, type World } from './turn.ts';

export { ALL_AWAKE, type World } from './turn.ts';

export interface Transition {
  call: Call;
  commands: Command[];
  /** Commands to cancel if they were not sent. */
  cancel: string[];
  notes: string[];
  notices: Notice[];
  trace: TraceLine[] | null;
  /** The attempt that the event belongs to, or null. */
  attemptId: string | null;
  /** Why nothing happened and nothing is stored; null if the event was applied. */
  refused: Refused | null;
}

export type Refused =
  | 'no_such_call'
  | 'ended'
  | 'being_moved'
  | 'overtaken'
  | 'not_lost'
  /** For `next`: nobody is being moved now, or the target may still answer. */
  | 'no_attempt'
  | 'may_answer';

export function transition(before: Call | null, event: CallEvent, world: World): Transition {
  const turn = openTurn(before, event, world);
  const refused = handle(turn, before, event);
  if (refused !== null) return close(turn, refused);
  if (isGone(event)) {
    settleGone(turn);
    return close(turn, null);
  }
  if (turn.goOn) runPlan(turn);
  sendParked(turn);
  return close(turn, null);
}

function handle(turn: Turn, before: Call | null, event: CallEvent): Transition['refused'] {
  switch (event.source) {
    case 'webhook':
      onWebhook(turn, event);
      return null;
    case 'b_leg':
      onBLeg(turn, event);
      return null;
    case 'outcome':
      onOutcome(turn, event);
      return null;
    case 'deadline':
      return onDeadline(turn, event) ? null : 'overtaken';
    case 'manual':
      return before === null ? 'no_such_call' : onManual(turn, event);
    case 'operator':
      return before === null ? 'no_such_call' : onOperator(turn, event);
    case 'sighting':
      // `overtaken` if what it shows is already known, or if the call is not ours.
      return before !== null && noteApplied(turn, event.envelope) ? null : 'overtaken';
    case 'acknowledged':
      return before === null ? 'no_such_call' : onAcknowledged(turn);
    default:
      return event satisfies never;
  }
}

/** Interrupts the call with a plan of one step; if that fails, the call returns to its phase. */
function onManual(turn: Turn, event: ManualEvent): Transition['refused'] {
  const { call } = turn;
  const whyNot = whyNotMovable(call);
  if (whyNot !== null) return whyNot;
  note(turn, `manual refer, from ${call.phase}`);
  giveUpLookup(turn, 'given up for a manual refer');
  const answering = call.phase === 'answering';
  // Everything unsent is cancelled but the interrupted prompt: if the refer fails, the call waits
  // for that prompt to end.
  if (!answering) cancelOutstanding(turn, call.running?.id);
  call.suspended = { phase: call.phase, plan: call.plan, running: call.running, done: null };
  call.plan = [{ steps: [event.step] }];
  call.running = null;
  call.probe = null;
  call.deadlines = call.deadlines.filter(({ name }) => name === 'patience');
  turn.goOn = true;
  return null;
}

function onAcknowledged(turn: Turn): Transition['refused'] {
  if (turn.call.ends !== 'missed') return 'not_lost';
  turn.call.acknowledgedAt ??= turn.now;
  note(turn, 'an operator took note of the lost caller');
  return null;
}

function openTurn(before: Call | null, event: CallEvent, world: World): Turn {
  const turn: Turn = {
    call: before === null ? newCall(event.callId, cameAt(event, world.now)) : draftOf(before),
    before,
    event,
    world,
    now: world.now,
    commands: [],
    cancel: [],
    notes: [],
    notices: [],
    trace: null,
    goOn: false,
    ids: 0,
    attemptId: null,
  };
  if (before === null) setDeadline(turn, 'undecided', UNDECIDED_MS);
  return turn;
}

function close(turn: Turn, refused: Transition['refused']): Transition {
  const { call, commands, cancel, notes, notices, trace, attemptId } = turn;
  return { call, commands, cancel, notes, notices, trace, attemptId, refused };
}

/** A copy that may be changed. Steps are shared, because they are never changed. */
function draftOf(call: Call): Call {
  return {
    ...call,
    facts: { ...call.facts },
    plan: [...call.plan],
    attempts: call.attempts.map((attempt: Attempt) => ({ ...attempt })),
    voices: [...call.voices],
    deadlines: call.deadlines.map((deadline) => ({ ...deadline })),
    probe: call.probe === null ? null : { ...call.probe },
    suspended: call.suspended === null ? null : { ...call.suspended },
    outstanding: [...call.outstanding],
    parked: [...call.parked],
  };
}
