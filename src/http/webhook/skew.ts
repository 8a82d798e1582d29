/** How far our clock is from Telnyx's, as genuine webhooks show it: a gauge, and a warning over 30 s. */
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import { HTTP_LIMITS } from '../limits.ts';

export interface SkewWatch {
  saw(skewSecs: number, deliveryAttempt: number | null): void;
}

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
  return {
    saw(skewSecs, deliveryAttempt) {
      // Nobody has published whether a repeated delivery is signed anew; its age would look like skew.
      if (deliveryAttempt !== null && deliveryAttempt > 1) return;
      metrics.clockSkew(skewSecs);
      if (Math.abs(skewSecs) <= HTTP_LIMITS.clockSkewWarnSecs) return;
      const at = now();
      if (at - warnedAt < HTTP_LIMITS.clockSkewWarnEveryMs) return;
      warnedAt = at;
      log.emit('webhook.clock_skew', { skew_secs: skewSecs });
    },
  };
}
