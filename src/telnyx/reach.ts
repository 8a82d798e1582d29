/**
 * Whether requests to Telnyx are answered at all. Where they are not, the network is away, and
 * Telnyx's webhooks do not reach us either.
 */

export interface Reach {
  /** Call when a request begins; call the returned functions when its end is known. */
  begin(): { answered(): void; unanswered(): void };
}

interface ReachOptions {
  /** Monotonic. */
  clock(): number;
  /** Telnyx answers again, after `awayMs` in which it did not. */
  onBack(awayMs: number): void;
}

/** Telnyx waits so long for the answer to a webhook, and then tries again. */
const AWAY_MS_MIN = 2_000;

export function createReach({ clock, onBack }: ReachOptions): Reach {
  let answeredAt = -Infinity;
  let awaySince: number | null = null;

  return {
    begin() {
      const begunAt = clock();
      return {
        answered() {
          answeredAt = clock();
          const awayMs = awaySince === null ? 0 : answeredAt - awaySince;
          awaySince = null;
          if (awayMs >= AWAY_MS_MIN) onBack(awayMs);
        },
        unanswered() {
          // If others were answered meanwhile, this one was merely slow.
          if (answeredAt <= begunAt) awaySince = Math.min(begunAt, awaySince ?? begunAt);
        },
      };
    },
  };
}
