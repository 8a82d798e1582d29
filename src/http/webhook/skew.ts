/**
 * How much our clock differs from Telnyx's, measured on genuine webhooks: a gauge, and a warning
 * over 30 s.
 */
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import { HTTP_LIMITS } from '../limits.ts';

export interface SkewWatch {
  /** `offsetMs`: arrival of a genuine webhook by our clock minus its signing time by Telnyx's. */
  saw(offsetMs: number, deliveryAttempt: number | null): void;
  /** How far our clock is ahead of Telnyx's; 0 if the two may agree. */
  aheadMs(): number;
}

/**
 * The signature's time is in whole seconds and delivery takes time, so an offset exceeds the skew
 * by more than a second at worst. The minimum of several is close to the skew, and below a second
 * it is meaningless.
 */
const OFFSETS_KEPT = 64;
const MEANINGLESS_MS = 1_000;

export function watchSkew({
  log,
  metrics,
  now,
  monotonic = () => performance.now(),
}: {
  log: Log;
  metrics: Metrics;
  now: () => number;
  monotonic?: () => number;
}): SkewWatch {
  let warnedAt = Number.NEGATIVE_INFINITY;
  /** By the monotonic clock, so that those from before the wall clock was set still count. */
  const offsets: number[] = [];
  let least: number | null = null;
  const wallAheadMs = () => now() - monotonic();
  return {
    aheadMs() {
      const ahead = least === null ? 0 : Math.round(least + wallAheadMs());
      return ahead < 0 || ahead > MEANINGLESS_MS ? ahead : 0;
    },
    saw(offsetMs, deliveryAttempt) {
      // It is not documented whether a repeated delivery is signed again; its age would look like
      // skew.
      if (deliveryAttempt !== null && deliveryAttempt > 1) return;
      const offset = offsetMs - wallAheadMs();
      offsets.push(offset);
      const gone = offsets.length > OFFSETS_KEPT ? offsets.shift() : undefined;
      // Called per webhook, so the list is only searched if its minimum has been dropped.
      if (least === null || offset < least) least = offset;
      else if (gone === least) least = Math.min(...offsets);
      const skewSecs = Math.floor(offsetMs / 1000);
      metrics.clockSkew(skewSecs);
      if (Math.abs(skewSecs) <= HTTP_LIMITS.clockSkewWarnSecs) return;
      const at = monotonic();
      if (at - warnedAt < HTTP_LIMITS.clockSkewWarnEveryMs) return;
      warnedAt = at;
      log.emit('webhook.clock_skew', { skew_secs: skewSecs });
    },
  };
}
