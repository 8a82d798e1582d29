/** What Telnyx answers to a command on a call that is played on, as far as the recording tells. */
import { answersTo, type Scripted } from '../dry-run/scripted-telnyx.ts';
import { nameOf } from '../machine/attempt.ts';
import type { Attempt, Call, LookupFact } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import type { Given } from './given.ts';

export interface Answering {
  call: Call;
  now: number;
  /** When the caller gave up waiting; null if they stayed. */
  left: number | null;
  keys: (string | null)[];
  /** The lookups that were asked on the recorded call; others do not answer. */
  lookups: Readonly<Record<string, LookupFact>>;
  given: Given;
  /** Targets that had not been tried, and lookups that had not been asked. */
  assumed: Set<string>;
}

/** RFC 3261, 21.4.25: what a target's phone answers when the caller gives up. */
const REQUEST_TERMINATED = 487;

export function answersOf(play: Answering, command: Command): Scripted[] {
  const { call } = play;
  const attempt = call.attempts.find(({ id }) => id === command.id);
  if (attempt !== undefined) return moveScript(play, command, attempt);
  const gather = command.action.startsWith('gather_using_');
  const digits = gather ? (play.keys.shift() ?? null) : null;
  const lookup = command.action === 'lookup' ? play.lookups[command.name]?.values : undefined;
  if (command.action === 'lookup' && lookup === undefined) {
    play.assumed.add(`lookup ${command.name}`);
  }
  return answersTo(command, { call, verdict: null, digits, leaves: false, lookup });
}

function moveScript(play: Answering, command: Command, attempt: Attempt): Scripted[] {
  const { call } = play;
  const answer = play.given.next(attempt);
  const situation = { call, digits: null, leaves: false };
  if (answer === null) {
    play.assumed.add(nameOf(attempt));
    return answersTo(command, { ...situation, verdict: 'completed', tookMs: 0 });
  }
  const { verdict, rings, tookMs, sipNotifyResponse, endsTheLeg } = answer;
  const more = { rings, tookMs, sipNotifyResponse };
  const leavesInMs = (play.left ?? Infinity) - play.now;
  if (answer.cancelled && leavesInMs > 0 && leavesInMs < timeoutOf(call)) {
    const cancelled = { rings, tookMs: leavesInMs, sipNotifyResponse: REQUEST_TERMINATED };
    return answersTo(command, { ...situation, verdict: 'no_answer', ...cancelled });
  }
  if (verdict !== null) return answersTo(command, { ...situation, verdict, ...more });
  if (endsTheLeg) return answersTo(command, { ...situation, verdict: null, ...more });
  // Nobody answered before the caller hung up, and now they may hang up later or not at all.
  return answersTo(command, { ...situation, verdict: 'no_verdict', ...more });
}

function timeoutOf({ running }: Call): number {
  return running !== null && 'timeoutMs' in running.step ? running.step.timeoutMs : 0;
}
