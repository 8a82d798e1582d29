/**
 * A lookup was answered, failed, or ran out of time, so the decision that waited for it is made.
 * The result stays with the call, and the lookup is never asked again.
 */
import { stopAsking } from './ask-lookup.ts';
import type { LookupAnswer } from './command.ts';
import { decideOn } from './deciding.ts';
import type { OutcomeEvent } from './event.ts';
import { note, type Turn } from './turn.ts';

export function onLookup(turn: Turn, { commandId, outcome }: OutcomeEvent): void {
  const { asking } = turn.call;
  if (asking === null || asking.id !== commandId) {
    note(turn, 'lookup: its answer came too late and changes nothing');
    return;
  }
  if (outcome.kind === 'accepted' && outcome.lookup !== undefined) {
    settle(turn, outcome.lookup, null);
    return;
  }
  const failed = outcome.kind === 'unknown' ? outcome.lookup : undefined;
  const why = 'detail' in outcome ? outcome.detail : 'no answer';
  settle(turn, failed ?? overdue(turn), why);
}

/** Nobody sent it in time, or the process died before it could report the outcome. */
export function lookupTimedOut(turn: Turn): void {
  settle(turn, overdue(turn), 'its time was over');
}

function overdue({ call, now }: Turn): LookupAnswer {
  return { result: 'time_over', values: {}, ms: now - (call.asking?.askedAt ?? now) };
}

function settle(turn: Turn, answer: LookupAnswer, failed: string | null): void {
  const { call } = turn;
  if (call.asking === null) return;
  const { name, moments } = call.asking;
  stopAsking(turn);
  const { result, values, ms } = answer;
  call.facts.lookups = { ...call.facts.lookups, [name]: { values, failed } };
  note(turn, inWords(name, answer, failed));
  turn.notices.push({ kind: 'lookup', name, result, failed, ms });
  if (decideOn(turn, moments)) turn.goOn = true;
}

/** `crm: tier gold, agent 204, 120 ms`. */
function inWords(
  name: string,
  { result, values, ms }: LookupAnswer,
  failed: string | null,
): string {
  if (failed !== null) return `${name}: ${failed}`;
  const kept = Object.entries(values).map(([field, value]) => `${field} ${value}`);
  const time = result === 'cached' ? 'from the cache' : `${Math.round(ms)} ms`;
  return `${name}: ${[...(kept.length === 0 ? ['none of the fields to keep'] : kept), time].join(', ')}`;
}
