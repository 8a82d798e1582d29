/** One transition under way: the draft of the call and what has been gathered so far. */
import type { Call, DeadlineName } from './call.ts';
import { encodeClientState } from './client-state.ts';
import type { Action, Command } from './command.ts';
import { commandId } from './command-id.ts';
import type { CallEvent } from './event.ts';
import { PROMPT_SEND_MS } from './limits.ts';
import type { Notice } from './notice.ts';
import type { Decision, Moment, TraceLine } from './plan.ts';

/** What a transition may ask about the world: arguments, so that a replay agrees. */
export interface World {
  /** The store's clock, milliseconds since the epoch. */
  now: number;
  decide(facts: Call['facts'], moment: Moment): Decision;
  /**
   * When a webhook of any call last reached this process, by the store's clock; null: none since it
   * started. While none comes, silence about one call says nothing.
   */
  heardAt: number | null;
  /** Hourly budgets, used so far by all calls: null, or why the step fails as rejected. */
  overBudget(kind: 'refer' | 'transfer', caller: string | null): string | null;
}

export interface Turn {
  call: Call;
  event: CallEvent;
  world: World;
  now: number;
  commands: Command[];
  cancel: string[];
  notes: string[];
  notices: Notice[];
  trace: TraceLine[] | null;
  /** The plan may go on: the door runs it once the event's own handling is through. */
  goOn: boolean;
  ids: number;
  /** The attempt that the event speaks of. */
  attemptId: string | null;
}

export function note(turn: Turn, text: string): void {
  turn.notes.push(text);
}

export function newId(turn: Turn): string {
  return commandId(turn.call.id, turn.event.type, turn.event.id, turn.ids++);
}

type Common = 'id' | 'callId' | 'legId' | 'attemptId' | 'giveUpAt' | 'clientState';
type Ask<C> = C extends Command ? Omit<C, Common> : never;

/** Stores a command with the change; its envelope names the command: an attempt's id is its command's. */
export function issue(
  turn: Turn,
  ask: Ask<Command>,
  options: {
    id?: string;
    legId?: string;
    attemptId?: string;
    giveUpAt?: number;
    /** Sent as it is, or (null) not at all. */
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
  // The cast only reunites what Omit took apart, member by member of the union.
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
 * The next prompt goes once the one before has its outcome. Sent while that one waits for its retry, it
 * would be cut off by a late stop, or drowned by a loop that starts again.
 */
export function sendParked(turn: Turn): void {
  const { call, now } = turn;
  if (call.outstanding.some(isPrompt)) return;
  const [next, ...others] = call.parked;
  if (next === undefined) return;
  call.parked = others;
  send(turn, { ...next, giveUpAt: now + PROMPT_SEND_MS });
  if (call.running?.id !== next.id) return;
  // The step that it belongs to has its whole time from now on.
  for (const deadline of call.deadlines) {
    if (deadline.name === 'step') setDeadline(turn, 'step', deadline.dueAt - deadline.setAt);
  }
}

export function isPrompt({ action }: { action: string }): boolean {
  return PROMPTS.has(action);
}

const PROMPTS: ReadonlySet<string> = new Set<Action>([
  'speak',
  'playback_start',
  'playback_stop',
  'gather_using_speak',
]);

/**
 * Takes back every command of the caller's leg that was not sent yet; the store leaves alone what is
 * in the air. The hangup of a B-leg stays: it clears up behind a step, whatever becomes of the caller.
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
  // What this very transition wanted to send is simply not sent.
  turn.commands = turn.commands.filter((command) => !own(command));
}

/** What the command was for is settled, by an event or by its time: it is not sent, or not sent again. */
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

export function clearDeadline(turn: Turn, ...names: DeadlineName[]): void {
  turn.call.deadlines = turn.call.deadlines.filter((deadline) => !names.includes(deadline.name));
}

export function deadlineOf(call: Call, name: DeadlineName): number | null {
  return call.deadlines.find((deadline) => deadline.name === name)?.dueAt ?? null;
}
