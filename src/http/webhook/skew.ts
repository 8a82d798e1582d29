/** How far our clock is from Telnyx's, as genuine webhooks show it: a gauge, and a warning over 30 s. */
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import { HTTP_LIMITS } from '../limits.ts';

export interface SkewWatch {
  /** `offsetMs`: when a genuine webhook came, by our clock, less when it was signed, by Telnyx's. */
  saw(offsetMs: number, deliveryAttempt: number | null): void;
  /** What our clock is ahead of Telnyx's; 0 where the two may well agree. */
  aheadMs(): number;
}

/**
 * The signature's time is in whole seconds, and a webhook takes a moment: an offset is up to a second and
 * some more than the skew. The least of several comes close to it, and below a second it says nothing.
 */
const OFFSETS_KEPT = 64;
const MEANINGLESS_MS = 1_000;

export function watchSkew({
  log,
  metrics,
  now,
}: {
  log: Log;
  metrics: Metrics;
  now: () => number;
}): SkewWatch {
  let warnedAt = Number.NEGATIVE_INFINITY;
  const offsets: number[] = [];
  let least = 0;
  return {
    aheadMs: () => (least < 0 || least > MEANINGLESS_MS ? least : 0),
    saw(offsetMs, deliveryAttempt) {
      // Nobody has published whether a repeated delivery is signed again; its age would look like skew.
      if (deliveryAttempt !== null && deliveryAttempt > 1) return;
      offsets.push(offsetMs);
      const gone = offsets.length > OFFSETS_KEPT ? offsets.shift() : undefined;
      // With every webhook: they are gone through only where the least of them has left.
      if (offsets.length === 1 || offsetMs < least) least = offsetMs;
      else if (gone === least) least = Math.min(...offsets);
      const skewSecs = Math.floor(offsetMs / 1000);
      metrics.clockSkew(skewSecs);
      if (Math.abs(skewSecs) <= HTTP_LIMITS.clockSkewWarnSecs) return;
      const at = now();
      if (at - warnedAt < HTTP_LIMITS.clockSkewWarnEveryMs) return;
      warnedAt = at;
      log.emit('webhook.clock_skew', { skew_secs: skewSecs });
    },
  };
}
