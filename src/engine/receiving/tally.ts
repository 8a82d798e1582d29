/**
 * Counts verdicts, ends and costs once, when they can no longer be corrected. Most are final as
 * soon as they are written. If an event of a REFER or a bridge may still arrive, they wait in the
 * store meanwhile, because a counter cannot be decreased, replicas share a call, and a restart must
 * not forget them. A cost always waits there, so that it is not lost with the process.
 */

import type { Attempt, Call, Ends } from '../../core/machine/call.ts';
import type { Cost } from '../../core/machine/cost.ts';
import { neverAsked } from '../../core/machine/counting.ts';
import { CORRECTION_MS } from '../../core/machine/limits.ts';
import { HOURLY_SUMS, type Tally } from '../../store/contract/calls.ts';

/** Something to count: how a call ended, a verdict, or the cost that one event reported. */
export type Final =
  | { type: 'end'; call: Call }
  | { type: 'verdict'; call: Call; attempt: Attempt }
  | { type: 'cost'; call: Call; eventId: string; costs: Cost[] };

/**
 * Whether a caller whom we tried to move arrived: a REFER completed or a transfer was bridged. Null
 * if the call has not ended, had no attempt, or the caller hung up first. The page, the API and
 * Prometheus use this.
 */
export function arrival(ends: Ends | null, attempts: number): 'yes' | 'no' | null {
  if (ends === null || ends === 'abandoned' || attempts === 0) return null;
  return ends === 'referred' || ends === 'transferred' ? 'yes' : 'no';
}

/**
 * Splits the items of a transition: those that are final now, those to keep in the store, and those
 * that are no longer kept. An ended call is also kept, to be added to the hourly sums.
 */
export function tallyOf(
  before: Call | null,
  after: Call,
  now: number,
): { final: string[]; tally: Map<string, Tally> } {
  const final: string[] = [];
  const tally = new Map<string, Tally>();
  const known = new Map(before === null ? [] : itemsOf(before));
  for (const [item, isFinal] of itemsOf(after)) {
    const wasFinal = known.get(item);
    if (wasFinal === true || wasFinal === isFinal) continue;
    if (!isFinal) tally.set(item, { waits: now + CORRECTION_MS });
    else if (wasFinal === undefined) final.push(item);
    else tally.set(item, 'final');
  }
  // An event of an ended call may change what the call adds to the hourly sums. A B-leg adds
  // nothing; one that was taken for a caller until now withdraws what it had added.
  const isSummed = after.parentId === null || before?.parentId === null;
  if (after.phase === 'ended' && isSummed) tally.set(HOURLY_SUMS, { waits: now });
  // The cost of a B-leg is counted with its caller.
  const costs = after.parentId === null ? after.costs : [];
  for (const { eventId } of costs.slice(before?.costs.length ?? 0)) {
    tally.set(COST + eventId, { waits: now });
  }
  return { final, tally };
}

export function itemOf(final: Final): string {
  switch (final.type) {
    case 'end':
      return final.call.id;
    case 'verdict':
      return final.attempt.id;
    case 'cost':
      return COST + final.eventId;
  }
}

export function finalOf(call: Call, item: string): Final | null {
  if (item === call.id) return { type: 'end', call };
  if (item.startsWith(COST)) {
    const eventId = item.slice(COST.length);
    const costs = call.costs.filter((cost) => cost.eventId === eventId);
    return costs.length === 0 ? null : { type: 'cost', call, eventId, costs };
  }
  const attempt = call.attempts.find(({ id }) => id === item);
  return attempt === undefined ? null : { type: 'verdict', call, attempt };
}

/**
 * Precedes the id of the event that reported the cost; no id of a call or attempt begins like this.
 */
const COST = 'cost ';

/** Verdicts and the end, by the id they are counted under, and whether they are final. */
function itemsOf(call: Call): [string, boolean][] {
  const written = call.attempts.filter((each) => each.verdict !== null && !neverAsked(each));
  const items = written.map((attempt): [string, boolean] => [attempt.id, isFinal(attempt)]);
  if (call.phase === 'ended') {
    // If a REFER completed, the call ended as referred, whatever else arrives.
    const arrived = written.some((attempt) => attempt.verdict === 'completed' && attempt.final);
    items.push([call.id, arrived || items.every(([, final]) => final)]);
  }
  return items;
}

/** A verdict that is our own conclusion may be corrected by a later event. */
function isFinal({ kind, verdict, final, unsent }: Attempt): boolean {
  if (unsent || final || verdict === 'rejected') return true;
  if (kind === 'refer') return false;
  return verdict !== 'abandoned' && verdict !== 'no_verdict' && verdict !== 'other';
}
