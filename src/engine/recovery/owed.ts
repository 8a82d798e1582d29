/**
 * The time since which webhooks may have been missed. It is kept in the store, so that recovery
 * continues after a restart or on another replica.
 */

export interface Owed {
  /** Milliseconds since the epoch; null if nothing is known to have been missed. */
  since: number | null;
  /** The last moment at which a webhook may have been missed. */
  until: number;
  /** When Telnyx was last asked, successfully or not; 0: never. */
  askedAt: number;
}

export const NOTHING_OWED: Owed = { since: null, until: 0, askedAt: 0 };

/**
 * How long to wait before Telnyx is asked again, after a failure or while it may still have been
 * repeating deliveries.
 */
export const RECOVER_EVERY_MS = 10 * 60_000;
/** The minimum between two recoveries, however often something is missed. */
const RECOVER_SOON_MS = 60_000;
/** This long after an outage, Telnyx has given up on all deliveries of that time. */
const SETTLED_MS = RECOVER_EVERY_MS / 2;

export function owedOf(value: unknown): Owed {
  const { since, until, askedAt } = { ...NOTHING_OWED, ...(value as Partial<Owed> | null) };
  return { since, until, askedAt };
}

export function withMissed(owed: Owed, since: number, until: number): Owed {
  return {
    ...owed,
    since: Math.min(since, owed.since ?? since),
    until: Math.max(until, owed.until),
  };
}

export function isDue({ since, until, askedAt }: Owed, now: number): boolean {
  if (since === null) return false;
  const waitedMs = now - askedAt;
  // A clock that was set back must not postpone it.
  if (waitedMs < 0) return true;
  return waitedMs >= (askedAt < until ? RECOVER_SOON_MS : RECOVER_EVERY_MS);
}

/**
 * Telnyx was asked at `askedAt` for what was owed then. What it may still have been repeating
 * remains owed.
 */
export function afterAsking(owed: Owed, askedAt: number, failed: boolean): Owed {
  const asked = { ...owed, askedAt: Math.max(askedAt, owed.askedAt) };
  if (failed || owed.since === null) return asked;
  const settledUntil = askedAt - SETTLED_MS;
  return {
    ...asked,
    since: owed.until <= settledUntil ? null : Math.max(owed.since, settledUntil),
  };
}
