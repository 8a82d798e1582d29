/**
 * Asks for a lookup that a decision needs. The caller keeps ringing until it is answered or its
 * time is over.
 */
import type { LookupRequest } from './command.ts';
import { LOOKUP_GRACE_MS, MOMENTS_WAITING_MAX } from './limits.ts';
import type { Moment } from './plan.ts';
import { clearDeadline, issue, note, setDeadline, type Turn, takeBack } from './turn.ts';

export function askLookup(turn: Turn, request: LookupRequest, moments: Moment[]): void {
  const { call, now } = turn;
  const { name, timeoutMs } = request;
  const how = { giveUpAt: now + timeoutMs, clientState: null };
  const id = issue(turn, { action: 'lookup', ...request }, how);
  call.asking = { name, id, askedAt: now, moments };
  clearDeadline(turn, 'undecided');
  setDeadline(turn, 'lookup', timeoutMs + LOOKUP_GRACE_MS);
  note(turn, `asks ${name}`);
}

/**
 * An event that rules could decide on arrives while a lookup is being asked; it is decided on
 * afterwards.
 */
export function decideLater(turn: Turn, moment: Moment): void {
  const { asking } = turn.call;
  if (asking === null || asking.moments.length >= MOMENTS_WAITING_MAX) return;
  turn.call.asking = { ...asking, moments: [...asking.moments, moment] };
  note(turn, `decided on once ${asking.name} is known`);
}

/** The call continues without the answer. The lookup counts as asked, so it is not asked again. */
export function giveUpLookup(turn: Turn, why: string): void {
  const { asking, facts } = turn.call;
  if (asking === null) return;
  facts.lookups = { ...facts.lookups, [asking.name]: { values: {}, failed: why } };
  stopAsking(turn);
}

/** From now on its answer changes nothing. */
export function stopAsking(turn: Turn): void {
  const { call } = turn;
  if (call.asking === null) return;
  takeBack(turn, call.asking.id);
  call.asking = null;
  clearDeadline(turn, 'lookup');
}
