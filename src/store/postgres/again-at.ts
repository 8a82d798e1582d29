/** Readings that are costly while somebody holds a snapshot may take a hundredth of the time. */
const SHARE = 100;

/**
 * When to read again, after a reading that began at `askedAt` and ends now; both by
 * `performance.now()`. Not sooner than after `leastMs`.
 */
export function againAt(askedAt: number, leastMs: number): number {
  return askedAt + Math.max(leastMs, SHARE * (performance.now() - askedAt));
}
