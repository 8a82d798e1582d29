/** One transition in progress: the draft of the call, and its commands and notices so far. */
import type { Call, DeadlineName } from './call.ts';
import { encodeClientState } from './client-state.ts';
import { type Command, isPrompt } from './command.ts';
import { commandId } from './command-id.ts';
import type { CallEvent } from './event.ts';
import { OUTCOME_GRACE_MS, PROMPT_SEND_MS, PUT_OFF_MS } from './limits.ts';
import type { Notice } from './notice.ts';
import { type Decision, type Moment, putBackStep, type TraceLine } from './plan.ts';

/** What a transition needs from outside, as arguments, so that a replay gives the same result. */
export interface World {
  /** The store's clock, milliseconds since the epoch. */
  now: number;
  /** `routeSet`: the set that decided on the call before; null if none has. */
  decide(facts: Call['facts'], moment: Moment, routeSet: string | null): Decision;
  /**
   * When the last webhook of any call arrived at this process, by the store's clock; null: none
   * since the start. While none arrive, the lack of events about one call proves nothing.
   */
  heardAt(): number | null;
  /**
   * Hourly budgets over all calls: null, or why the step fails as rejected. `freed`: an attempt of
   * this kind counts until now, and no longer does after this transition.
   */
  overBudget(kind: 'refer' | 'transfer', caller: string | null, freed: boolean): string | null;
  /** Why the target with this name is skipped now, because it rests; null: try it. */
  resting(target: string): string | null;
  /**
   * Why a REFER to the target is known to be refused on this connection; null if it is not known.
   */
  refusesRefers(connectionId: string, target: string): string | null;
}

/** For a world that knows nothing about its targets: each is tried. */
export const ALL_AWAKE = { resting: () => null, refusesRefers: () => null } as const;

export interface Turn {
  call: Call;
  /** As it was before the event; null: it is new. */
  before: Call | null;
  event: CallEvent;
  world: World;
  now: number;
  commands: Command[];
  cancel: string[];
  notes: string[];
  notices: Notice[];
  trace: TraceLine[] | null;
  /** The plan may continue; `transition` runs it after the event is handled. */
  goOn: boolean;
  ids: number;
  /** The attempt that the event belongs to. */
  attemptId: string | null;
}

export function note(turn: Turn, text: string): void {
  turn.notes.push(text);
}

/**
 * Nothing shows whether Telnyx executed the answer, so the next step finds out. Until it does,
 * nobody is told that the call was answered.
 */
export function assumeAnswered({ call }: Turn): void {
  call.answered = true;
  call.answerAssumed = true;
}

/** Telnyx executed something that it executes only on an answered call. */
export function tookAnswer({ call }: Turn): void {
  if (call.answered) call.answerAssumed = false;
}

/** The running step is the next one again. */
export function putBackRunning(turn: Turn): void {
  const { call } = turn;
  if (call.running === null) return;
  putBackStep(call.plan, call.running.step);
  call.running = null;
  turn.goOn = true;
}

export function newId(turn: Turn): string {
  return commandId(turn.call.id, turn.event.type, turn.event.id, turn.ids++);
}

type Common = 'id' | 'callId' | 'legId' | 'attemptId' | 'giveUpAt' | 'clientState';
type Ask<C> = C extends Command ? Omit<C, Common> : never;

/** Adds a command. Its envelope contains its id, which is also the id of its attempt. */
export function issue(
  turn: Turn,
  ask: Ask<Command>,
  options: {
    id?: string;
    legId?: string;
    attemptId?: string;
    giveUpAt?: number;
    /** Sent unchanged; null: not sent. */
    clientState?: string | null;
  } = {},
): string {
  const { call } = turn;
  const id = options.id ?? newId(turn);
  const legId = options.legId ?? call.id;
  const clientState =
    options.clientState === undefined
      ? encodeClientState(id, call.foreignState)
      : options.clientState;
  // The cast restores the union that Omit took apart.
  const command = {
    ...ask,
    id,
    callId: call.id,
    legId,
    attemptId: options.attemptId ?? null,
    giveUpAt: options.giveUpAt ?? null,
    clientState,
  } as Command;
  if (isPrompt(command) && (call.parked.length > 0 || call.outstanding.some(isPrompt))) {
    call.parked.push(command);
    return id;
  }
  send(turn, command);
  return id;
}

function send(turn: Turn, command: Command): void {
  const { call } = turn;
  const { id, action, legId, clientState } = command;
  turn.commands.push(command);
  call.outstanding.push({ id, action, legId });
  if (legId === call.id && clientState !== null) call.stamped = true;
}

/**
 * Sends the next prompt once the previous one has its outcome. If it were sent while that one waits
 * for a retry, a late stop would interrupt it, or a restarted loop would replace it.
 */
export function sendParked(turn: Turn): void {
  const { call, now } = turn;
  if (call.outstanding.some(isPrompt)) return;
  const [next, ...others] = call.parked;
  if (next === undefined) return;
  call.parked = others;
  send(turn, { ...next, giveUpAt: now + PROMPT_SEND_MS });
  if (call.running?.id !== next.id) return;
  // The step's full timeout starts now.
  for (const deadline of call.deadlines) {
    if (deadline.name === 'step') setDeadline(turn, 'step', deadline.dueAt - deadline.setAt);
  }
}

/**
 * Cancels every command of the caller's leg that was not sent yet; the store keeps those in flight.
 * The hangup of a B-leg stays, because the B-leg must end whatever happens to the caller.
 */
export function cancelOutstanding(turn: Turn, but: string | null = null): void {
  const { call } = turn;
  const own = ({ legId, id }: { legId: string; id: string }) => legId === call.id && id !== but;
  const issuedNow = new Set(turn.commands.map((command) => command.id));
  for (const entry of call.outstanding) {
    if (own(entry) && !issuedNow.has(entry.id)) turn.cancel.push(entry.id);
  }
  call.outstanding = call.outstanding.filter((entry) => !own(entry));
  call.parked = call.parked.filter(({ id }) => id === but);
  // Commands of this transition are simply not sent.
  turn.commands = turn.commands.filter((command) => !own(command));
}

/** Cancels a command that is no longer needed, so that it is not sent, or not sent again. */
export function takeBack(turn: Turn, id: string): void {
  const { call } = turn;
  call.parked = call.parked.filter((command) => command.id !== id);
  if (!call.outstanding.some((entry) => entry.id === id)) return;
  if (!turn.commands.some((command) => command.id === id)) turn.cancel.push(id);
  turn.commands = turn.commands.filter((command) => command.id !== id);
  call.outstanding = call.outstanding.filter((entry) => entry.id !== id);
}

export function setDeadline(turn: Turn, name: DeadlineName, inMs: number): void {
  clearDeadline(turn, name);
  const { call, now } = turn;
  call.deadlineCount += 1;
  call.deadlines.push({
    name,
    dueAt: now + inMs,
    setAt: now,
    n: call.deadlineCount,
    putOff: false,
  });
}

/** Webhooks that are delivered again come first; it is postponed only once. */
export function putOffDeadline(turn: Turn, name: DeadlineName): void {
  setDeadline(turn, name, PUT_OFF_MS);
  for (const each of turn.call.deadlines) if (each.name === name) each.putOff = true;
}

/**
 * An outcome is late by so much that no process ran meanwhile, and webhooks will be delivered again.
 */
export function isOverdue(restMs: number): boolean {
  return restMs < -OUTCOME_GRACE_MS;
}

export function clearDeadline(turn: Turn, ...names: DeadlineName[]): void {
  turn.call.deadlines = turn.call.deadlines.filter((deadline) => !names.includes(deadline.name));
}

/** The reason for the probe is settled. */
export function dropProbe(turn: Turn): void {
  turn.call.probe = null;
  clearDeadline(turn, 'probing');
}

export function deadlineOf(call: Call, name: DeadlineName): number | null {
  return call.deadlines.find((deadline) => deadline.name === name)?.dueAt ?? null;
}
