/**
 * Remembers REFERs that a target refused with 405, by connection and for a day, so that the next
 * caller of that connection need not wait for the same answer. Stored beside the health of targets.
 */
import { type RestState, utc } from './rest.ts';

const REFUSALS_MAX = 1_000;
const DAY_MS = 86_400_000;

/** Remembered for a day. */
export function noteRefusal(state: RestState, connectionId: string, target: string, now: number) {
  const kept = Object.entries(state.refuses).filter(([, until]) => until > now);
  kept.push([refusalKey(connectionId, target), now + DAY_MS]);
  return { ...state, refuses: Object.fromEntries(kept.slice(-REFUSALS_MAX)) };
}

export function refusalOf(
  { refuses }: RestState,
  connectionId: string,
  target: string,
  now: number,
): string | null {
  const key = refusalKey(connectionId, target);
  const until = Object.hasOwn(refuses, key) ? (refuses[key] ?? 0) : 0;
  if (until <= now) return null;
  return `${target} refused a REFER of this connection with 405 within a day; remembered until ${utc(until)}`;
}

export function refusals({ refuses }: RestState, now: number) {
  return Object.entries(refuses)
    .filter(([, until]) => until > now)
    .map(([key, until]) => {
      const gap = key.indexOf(' ');
      return { connection: key.slice(0, gap), target: key.slice(gap + 1), until };
    });
}

/** An id of a connection has no space. */
function refusalKey(connectionId: string, target: string): string {
  return `${connectionId} ${target}`;
}
