/** Executes one command on one leg: the checks in Telnyx's order, then its effect. */
import { answeredPayload, type Leg } from './leg.ts';
import { refer } from './refer.ts';
import {
  ANSWER_ON_OUTBOUND,
  badRequest,
  CALL_HAS_ENDED,
  CALL_NOT_ANSWERED,
  type Refusal,
} from './refusal.ts';
import type { ActionName, CommandBody } from './schema.ts';
import type { Switchboard } from './switchboard.ts';
import { transfer } from './transfer.ts';
import { gather, playbackStart, playbackStop, speak } from './voice.ts';

export interface CommandRules {
  /** How long a repeated command_id is ignored; Telnyx documents 60 s. */
  dedupeMs: number;
  /** Whether a REFER before the answer is refused with 90034; Telnyx does not document this. */
  referBeforeAnswer: 'refused' | 'allowed';
}

interface CommandResult {
  refusal: Refusal | null;
  duplicate: boolean;
}

export function runCommand(
  board: Switchboard,
  rules: CommandRules,
  leg: Leg,
  action: ActionName,
  body: CommandBody,
): CommandResult {
  const commandId = typeof body.command_id === 'string' ? body.command_id : null;
  const executedAt = commandId === null ? undefined : leg.executed.get(commandId);
  if (executedAt !== undefined && performance.now() - executedAt < rules.dedupeMs) {
    return { refusal: null, duplicate: true };
  }
  const refusal = refuse(rules, leg, action);
  if (refusal !== null) return { refusal, duplicate: false };
  const before = leg.clientState;
  // All events emitted from now on have it, including those of earlier commands.
  if (typeof body.client_state === 'string') leg.clientState = body.client_state;
  const refused = execute(board, leg, action, body);
  if (refused !== null) {
    leg.clientState = before;
    return { refusal: refused, duplicate: false };
  }
  if (commandId !== null) leg.executed.set(commandId, performance.now());
  return { refusal: null, duplicate: false };
}

const NEEDS_ANSWER: ReadonlySet<ActionName> = new Set([
  'refer',
  'transfer',
  'speak',
  'playback_start',
  'playback_stop',
  'gather_using_speak',
  'gather_using_audio',
]);

function refuse(rules: CommandRules, leg: Leg, action: ActionName): Refusal | null {
  if (leg.endedAt !== null) return CALL_HAS_ENDED;
  if (action === 'answer' && leg.direction === 'outgoing') return ANSWER_ON_OUTBOUND;
  if (action === 'reject' && leg.answeredAt !== null) {
    return badRequest('An answered call cannot be rejected. Use hangup.');
  }
  if (leg.answeredAt !== null || !NEEDS_ANSWER.has(action)) return null;
  return action === 'refer' && rules.referBeforeAnswer === 'allowed' ? null : CALL_NOT_ANSWERED;
}

function execute(
  board: Switchboard,
  leg: Leg,
  action: ActionName,
  body: CommandBody,
): Refusal | null {
  switch (action) {
    case 'answer':
      return answer(board, leg);
    case 'refer':
      return refer(board, leg, body);
    case 'transfer':
      return transfer(board, leg, body);
    case 'speak':
      return speak(board, leg, body);
    case 'playback_start':
      return playbackStart(board, leg, body);
    case 'playback_stop':
      return playbackStop(board, leg, body);
    case 'gather_using_speak':
    case 'gather_using_audio':
      return gather(board, leg, body);
    case 'reject':
      return reject(board, leg, body);
    case 'hangup':
      return hangup(board, leg);
    case 'client_state_update':
      return null;
  }
}

function answer(board: Switchboard, leg: Leg): Refusal | null {
  const { script, book } = leg.call;
  if (script.answer === 'refused') return badRequest('The call cannot be answered.');
  if (leg.answering || leg.answeredAt !== null) return null;
  leg.answering = true;
  const takeBack = board.clock.after(script.answerMs ?? 50, () => {
    leg.pending.delete(takeBack);
    leg.answeredAt = board.clock.stamp();
    book.answeredAt = leg.answeredAt;
    if (script.answer !== 'silent') board.emit(leg, 'call.answered', answeredPayload(leg));
    board.happened(leg, 'answered');
  });
  leg.pending.add(takeBack);
  return null;
}

function reject(board: Switchboard, leg: Leg, body: CommandBody): Refusal | null {
  const busy = body.cause === 'USER_BUSY';
  leg.call.book.rejectedAs = busy ? 'USER_BUSY' : 'CALL_REJECTED';
  board.end(leg, 'service', {
    cause: busy ? 'user_busy' : 'call_rejected',
    source: 'callee',
    sip: busy ? '486' : '603',
  });
  return null;
}

function hangup(board: Switchboard, leg: Leg): Refusal | null {
  const answered = leg.answeredAt !== null;
  const ringing = leg.direction === 'outgoing' && !answered;
  board.end(leg, 'service', {
    cause: ringing ? 'originator_cancel' : 'normal_clearing',
    source: ringing ? 'caller' : 'callee',
    sip: ringing ? '487' : answered ? '200' : 'unspecified',
  });
  return null;
}
