/**
 * When verdicts, ends and costs are counted: once, when nothing can correct them any more. Most are final when
 * they are written. A cost goes through the store all the same, so that no process that ends takes it along. Where the news of a REFER or a bridge is still out, they wait in the store for as long as it
 * may come: a counter cannot be taken back, replicas share a call, and a restart must forget nothing.
 */
import type { Attempt, Call, Ends } from '../core/machine/call.ts';
import type { Cost } from '../core/machine/cost.ts';
import { CORRECTION_MS } from '../core/machine/limits.ts';
import type { Tally } from '../store/store.ts';

/** Something to count: how a call ended, a verdict, or what one event said that it cost. */
export type Final =
  | { type: 'end'; call: Call }
  | { type: 'verdict'; call: Call; attempt: Attempt }
  | { type: 'cost'; call: Call; eventId: string; costs: Cost[] };

/**
 * Whether a caller whom we tried to move arrived: by a REFER that completed, or a transfer that was bridged.
 * Null where there is nothing to judge: not over yet, no attempt, or a caller who left first. The one
 * definition of the page, the API and Prometheus.
 */
export function arrival(ends: Ends | null, attempts: number): 'yes' | 'no' | null {
  if (ends === null || ends === 'abandoned' || attempts === 0) return null;
  return ends === 'referred' || ends === 'transferred' ? 'yes' : 'no';
}

/** Of items that a step wrote: what is final at once, and what the store has to keep or to let go. */
export function tallyOf(
  before: Call | null,
  after: Call,
  now: number,
): { final: Attempt['id'][]; tally: Map<string, Tally> } {
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
  // A B-leg's is counted with its caller.
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

/** Before the id of the event that reported it: neither a call's id nor an attempt's begins so. */
const COST = 'cost ';

/** Verdicts and the end, by the id they are counted under, and whether they are final. */
function itemsOf(call: Call): [string, boolean][] {
  const written = call.attempts.filter(({ verdict }) => verdict !== null);
  const items = written.map((attempt): [string, boolean] => [attempt.id, isFinal(attempt)]);
  if (call.phase === 'ended') {
    // A REFER that completed is how the call ended, whatever else is still heard of.
    const arrived = written.some((attempt) => attempt.verdict === 'completed' && attempt.final);
    items.push([call.id, arrived || items.every(([, final]) => final)]);
  }
  return items;
}

/** A verdict that is our own conclusion may be corrected by what Telnyx still has to say. */
function isFinal({ kind, verdict, final, unsent }: Attempt): boolean {
  if (unsent || final || verdict === 'rejected') return true;
  if (kind === 'refer') return false;
  return verdict !== 'abandoned' && verdict !== 'no_verdict' && verdict !== 'other';
}
