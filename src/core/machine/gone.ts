/**
 * A recovered event of a leg that is no longer live: its facts are kept, and nothing is sent for
 * it.
 */
import type { Call, Ends } from './call.ts';
import { correctEnds, endCall, endMissed } from './ending.ts';
import type { CallEvent, WebhookEvent } from './event.ts';
import { note, type Turn } from './turn.ts';

export function isGone(event: CallEvent): boolean {
  if (event.source !== 'webhook' && event.source !== 'b_leg') return false;
  return event.recovered !== undefined && !event.recovered.living.has(event.callId);
}

/** The caller rang, and nothing was ever decided for them. */
export function isLost({ decided, parentId, attempts, ends, facts }: Call): boolean {
  const ours = parentId === null && facts.direction === 'incoming';
  return ours && !decided && attempts.length === 0 && (ends === null || UNHEARD.has(ends));
}

const UNHEARD: ReadonlySet<Ends> = new Set(['abandoned', 'ignored', 'missed']);

export function loseCaller(turn: Turn, event: WebhookEvent): void {
  const { call } = turn;
  // The call may be known already from a later event, such as a hangup that Telnyx repeated.
  call.createdAt = Math.min(call.createdAt, heardOfAt(event, turn.now));
  if (call.phase !== 'ended') {
    endMissed(turn);
    goneAt(turn, event);
  } else if (call.ends !== 'missed') {
    correctEnds(turn, 'missed');
    note(turn, 'the caller had gone before we heard of them: the call ended as missed');
  }
  if (event.type === 'call.hangup') goneAt(turn, event);
}

/** Nothing of a lost caller waits for a correction, so their end is when it occurred. */
function goneAt({ call, now }: Turn, event: WebhookEvent): void {
  call.endedAt = heardOfAt(event, now);
  call.endHeardLateMs = 0;
}

/** Whatever the event started is stopped: nobody is on the line any more. */
export function settleGone(turn: Turn): void {
  const { call } = turn;
  const unsent = new Set(turn.commands.map(({ id }) => id));
  turn.goOn = false;
  turn.commands = [];
  call.outstanding = call.outstanding.filter(({ id }) => !unsent.has(id));
  endCall(turn, 'the leg had gone when its events were recovered');
}

/** When it occurred, as Telnyx says; not when we heard of it. */
export function heardOfAt({ occurredAt }: CallEvent, now: number): number {
  return Math.round(Math.min(occurredAt ?? now, now));
}
