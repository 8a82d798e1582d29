/**
 * Durations as counts in logarithmic buckets. Such counts can be added and subtracted, and a
 * quantile read from them is off by at most 5 %.
 */

/** Counts by bucket, without the empty ones. */
export type Latencies = Record<string, number>;

/** A bucket's upper bound is 10 % above its lower bound; its middle stands for everything in it. */
const GROWTH = 1.1;

export function bucketOf(ms: number): string {
  return ms < 1 ? '0' : String(1 + Math.floor(Math.log(ms) / Math.log(GROWTH)));
}

/** Adds `more` to `sum`; buckets that reach 0 are removed. */
export function addLatencies(sum: Latencies, more: Latencies, times: 1 | -1 = 1): void {
  for (const [bucket, count] of Object.entries(more)) {
    const total = (sum[bucket] ?? 0) + times * count;
    if (total === 0) delete sum[bucket];
    else sum[bucket] = total;
  }
}

/** In milliseconds; null if nothing was measured. `share`: 0.5 is the median. */
export function quantile(latencies: Latencies, share: number): number | null {
  const buckets = Object.entries(latencies)
    .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
    .toSorted((a, b) => a.bucket - b.bucket);
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  let left = Math.max(1, Math.ceil(total * share));
  for (const { bucket, count } of buckets) {
    left -= count;
    if (left <= 0) return bucket === 0 ? 0 : Math.round(GROWTH ** (bucket - 0.5));
  }
  return null;
}
