/** Since when webhooks may have been missed: in the store, so that a restart or another replica goes on with it. */

export interface Owed {
  /** Milliseconds since the epoch; null: nothing was missed that anybody knows of. */
  since: number | null;
  /** The last moment at which one may have been missed. */
  until: number;
  /** When Telnyx was last asked, whatever it answered; 0: never. */
  askedAt: number;
}

export const NOTHING_OWED: Owed = { since: null, until: 0, askedAt: 0 };

/** Before Telnyx is asked again, after a failure and for deliveries that were still being repeated. */
export const RECOVER_EVERY_MS = 10 * 60_000;
/** Between two recoveries, however often something is missed. */
const RECOVER_SOON_MS = 60_000;
/** Asked so long after the outage, Telnyx has given up on every delivery of it. */
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
  // A clock that was set back must not put it off.
  if (waitedMs < 0) return true;
  return waitedMs >= (askedAt < until ? RECOVER_SOON_MS : RECOVER_EVERY_MS);
}

/** Asked at `askedAt` for what was owed then. What Telnyx may still have been repeating stays owed. */
export function afterAsking(owed: Owed, askedAt: number, failed: boolean): Owed {
  const asked = { ...owed, askedAt: Math.max(askedAt, owed.askedAt) };
  if (failed || owed.since === null) return asked;
  const settledUntil = askedAt - SETTLED_MS;
  return {
    ...asked,
    since: owed.until <= settledUntil ? null : Math.max(owed.since, settledUntil),
  };
}
