/**
 * Telnyx repeats a webhook that nobody took, as while no server ran. Deadlines and corrections go by
 * when we heard of an end; people are told when it was.
 */
import { occurredAtByUs } from './attribution.ts';
import type { Attempt, Call } from './call.ts';
import type { CallEvent } from './event.ts';

/**
 * How long ago a repeated or recovered event occurred. 0 for all others, because two clocks agree
 * less than a webhook is late, and for one that claims to be from before `since`.
 */
export function heardLateMs(event: CallEvent, now: number, since: number): number {
  if (event.source !== 'webhook') return 0;
  const isRepeated = (event.deliveryAttempt ?? 1) > 1 || event.recovered !== undefined;
  const occurredAt = isRepeated ? occurredAtByUs(event) : null;
  if (occurredAt === null || occurredAt < since || occurredAt >= now) return 0;
  return now - Math.round(occurredAt);
}

/** When the leg ended; null while it is live. */
export function callEndedAt({ endedAt, endHeardLateMs }: Call): number | null {
  return endedAt === null ? null : endedAt - endHeardLateMs;
}

/** When the attempt got its verdict; null while it is open. */
export function attemptEndedAt({ endedAt, acceptedAt, endHeardLateMs }: Attempt): number | null {
  if (endedAt === null) return null;
  // The answer to its request may have been late as well.
  return Math.max(endedAt - endHeardLateMs, Math.min(acceptedAt ?? 0, endedAt));
}
