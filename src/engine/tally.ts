/**
 * When verdicts and ends are counted: once, when nothing can correct them any more. Most are final when they
 * are written. Where the news of a REFER or a bridge is still out, they wait in the store for as long as it
 * may come: a counter cannot be taken back, replicas share a call, and a restart must forget nothing.
 */
import type { Attempt, Call, Ends } from '../core/machine/call.ts';
import { CORRECTION_MS } from '../core/machine/limits.ts';
import type { Tally } from '../store/store.ts';

/** Something to count. `attempt` null: how the call ended. */
export interface Final {
  call: Call;
  attempt: Attempt | null;
}

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
  return { final, tally };
}

export function itemOf({ call, attempt }: Final): string {
  return attempt === null ? call.id : attempt.id;
}

export function finalOf(call: Call, item: string): Final | null {
  if (item === call.id) return { call, attempt: null };
  const attempt = call.attempts.find(({ id }) => id === item);
  return attempt === undefined ? null : { call, attempt };
}

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
