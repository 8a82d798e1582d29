/**
 * What the caller did on a recorded call regardless of what was done with them: pressing keys, and
 * hanging up.
 */
import type { Ends, Phase } from '../machine/call.ts';
import type { CallEvent } from '../machine/event.ts';
import type { RecordedCall, RecordedEvent } from '../recording/recorded-call.ts';

/**
 * When the caller gave up waiting; null if they stayed. A leg that ended because the caller
 * arrived, or because we hung up, says nothing about their patience.
 */
export function leftAt({ events, stored }: Pick<RecordedCall, 'events' | 'stored'>): number | null {
  if (stored.ends !== null && ARRIVED.has(stored.ends)) return null;
  const index = events.findIndex(({ phase }) => phase === 'ended');
  const end = events[index];
  if (end === undefined) return null;
  const before = events[index - 1]?.phase ?? 'new';
  return OURS.has(before) ? null : end.now;
}

const ARRIVED: ReadonlySet<Ends> = new Set(['referred', 'transferred', 'unconfirmed']);
const OURS: ReadonlySet<Phase> = new Set(['referred', 'bridged', 'releasing']);

/** How far a call that had not ended is recorded, and how many attempts it had made by then. */
export interface Live {
  until: number;
  attempts: number;
}

/** Null if the call has ended. */
export function liveUntil({
  events,
  stored,
}: Pick<RecordedCall, 'events' | 'stored'>): Live | null {
  const last = events.at(-1);
  if (stored.endedAt !== null || last === undefined) return null;
  return { until: last.now, attempts: stored.attempts.length };
}

/**
 * What they pressed in each menu, null for nothing. If there was no menu, every key separately,
 * because nothing more is known.
 */
export function keysPressed(
  events: readonly RecordedEvent[],
  shared: ReadonlySet<string>,
): (string | null)[] {
  const menus: (string | null)[] = [];
  const keys: string[] = [];
  for (const { event } of events) {
    if (event.source !== 'webhook') continue;
    // If both calls have asked for the same menu, it is answered by its own event.
    const own = event.envelope !== null && shared.has(event.envelope.id);
    if (event.type === 'call.gather.ended' && !own) menus.push(event.digits || null);
    if (event.type === 'call.dtmf.received' && event.digits) keys.push(event.digits);
  }
  return menus.length > 0 ? menus : keys;
}

/**
 * Whether a recorded event happens to the call under other routes too: outcomes of commands that
 * both have sent, and actions of an operator.
 */
export function happensAnyway(event: CallEvent, shared: ReadonlySet<string>): boolean {
  switch (event.source) {
    case 'webhook': {
      if (event.type === 'call.initiated' || event.type === 'call.hangup') return false;
      if (event.type === 'call.dtmf.received') return true;
      // Without an envelope it is unknown who asked for the answer. If both calls have sent a
      // command in common, both were answered.
      if (event.type === 'call.answered' && event.envelope === null) return shared.size > 0;
      return event.envelope !== null && shared.has(event.envelope.id);
    }
    case 'b_leg':
      return event.attemptId !== null && shared.has(event.attemptId);
    case 'outcome':
      return shared.has(event.commandId);
    case 'manual':
    case 'operator':
      return true;
    case 'deadline':
    case 'sighting':
    case 'acknowledged':
      return false;
    default:
      return event satisfies never;
  }
}
