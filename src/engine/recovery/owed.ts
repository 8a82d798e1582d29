/**
 * The time since which webhooks may have been missed. It is kept in the store, so that recovery
 * continues after a restart or on another replica.
 */

export interface Owed {
  /** Milliseconds since the epoch; null if nothing is known to have been missed. */
  since: number | null;
  /** The last moment at which a webhook may have been missed. */
  until: number;
  /**
   * The last moment at which something was refused that may have been a webhook: anybody can send
   * what looks like one of Telnyx's with a wrong signature.
   */
  perhapsUntil: number;
  /** When Telnyx was last asked, successfully or not; 0: never. */
  askedAt: number;
  /** How many times in a row Telnyx had nothing for us. */
  inVain: number;
}

export const NOTHING_OWED: Owed = {
  since: null,
  until: 0,
  perhapsUntil: 0,
  askedAt: 0,
  inVain: 0,
};

/**
 * How long to wait before Telnyx is asked again, after a failure or while it may still have been
 * repeating deliveries.
 */
export const RECOVER_EVERY_MS = 10 * 60_000;
/** The minimum between two recoveries, however often something is missed. */
const RECOVER_SOON_MS = 60_000;
/** This long after an outage, Telnyx has given up on all deliveries of that time. */
const SETTLED_MS = RECOVER_EVERY_MS / 2;

/**
 * As it is stored. What is later than `now` was written before a clock was set back, or by a
 * replica whose clock is ahead: nothing may wait for that time.
 */
export function owedOf(value: unknown, now: number = Number.POSITIVE_INFINITY): Owed {
  const owed = { ...NOTHING_OWED, ...(value as Partial<Owed> | null) };
  const { since, until, perhapsUntil, askedAt, inVain } = owed;
  const latest = now + RECOVER_EVERY_MS;
  return {
    // Telnyx was asked until the clock was set back, but not for what it was still repeating.
    since: since !== null && since > now ? now - SETTLED_MS : since,
    until: until > latest ? now : until,
    perhapsUntil: perhapsUntil > latest ? now : perhapsUntil,
    askedAt: askedAt > now + RECOVER_SOON_MS ? 0 : askedAt,
    inVain,
  };
}

/** `perhapsUntil`: 0 if it is certain. */
export function withMissed(owed: Owed, since: number, until: number, perhapsUntil = 0): Owed {
  return {
    ...owed,
    since: Math.min(since, owed.since ?? since),
    until: Math.max(until, owed.until),
    perhapsUntil: Math.max(perhapsUntil, owed.perhapsUntil),
  };
}

export function isDue(owed: Owed, now: number): boolean {
  const { since, until, perhapsUntil, askedAt, inVain } = owed;
  if (since === null) return false;
  const waitedMs = now - askedAt;
  if (askedAt < until) return waitedMs >= RECOVER_SOON_MS;
  // A stranger could otherwise make us ask Telnyx every minute.
  const patience = Math.min(RECOVER_SOON_MS * 2 ** inVain, RECOVER_EVERY_MS);
  return waitedMs >= (askedAt < perhapsUntil ? patience : RECOVER_EVERY_MS);
}

/**
 * Telnyx was asked at `askedAt` for what was owed then. What it may still have been repeating
 * remains owed. `found`: it had something for us.
 */
export function afterAsking(owed: Owed, askedAt: number, failed: boolean, found = false): Owed {
  const asked = { ...owed, askedAt: Math.max(askedAt, owed.askedAt) };
  if (failed) return asked;
  const inVain = found ? 0 : owed.inVain + 1;
  if (owed.since === null) return { ...asked, inVain };
  const settledUntil = askedAt - SETTLED_MS;
  const last = Math.max(owed.until, owed.perhapsUntil);
  return {
    ...asked,
    inVain,
    since: last <= settledUntil ? null : Math.max(owed.since, settledUntil),
  };
}
