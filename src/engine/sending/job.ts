/** A claimed command that is to be sent, and the store's clock meanwhile. */
import type { ClaimedCommand } from '../../store/contract/outbox.ts';
import { atLeastSince, type Clock, type Mark } from '../clock.ts';

export interface Job {
  claimed: ClaimedCommand;
  /** Our time at `claimed.now`, or slightly before. */
  claimedAt: Mark;
  /** When it began to wait for a slot. */
  queuedAt: Mark;
  /** This process has stored that it is not to be sent. */
  cancelled: boolean;
  /** Claimed again while it was under way, because its lease had expired. */
  again: { claimed: ClaimedCommand; claimedAt: Mark } | null;
}

/** The store's clock, continued with our monotonic clock. */
export function storeNow({ claimed, claimedAt }: Job, clock: Clock): number {
  return claimed.now + (clock.monotonic() - claimedAt.monotonic);
}

/** The same, by whichever clock is later, for things that must not be sent too late. */
export function latestStoreNow({ claimed, claimedAt }: Job, clock: Clock): number {
  return claimed.now + atLeastSince(clock, claimedAt);
}
