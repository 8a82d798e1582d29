/**
 * How many requests the simulated API accepts. Separate from api.ts, so that importing this needs
 * none of Node's types.
 */
export interface RateLimit {
  /** Requests allowed per window. */
  limit: number;
  windowMs: number;
}

/**
 * Counts a request. Returns null to continue, otherwise the whole seconds until the next window.
 */
export function createRateWindow(rateLimit: RateLimit | null): () => number | null {
  // A window begins with its first request, not when the process starts.
  let windowStart = Number.NEGATIVE_INFINITY;
  let used = 0;
  return () => {
    if (rateLimit === null) return null;
    const now = performance.now();
    if (now - windowStart >= rateLimit.windowMs) {
      windowStart = now;
      used = 0;
    }
    used += 1;
    if (used <= rateLimit.limit) return null;
    return Math.max(1, Math.ceil((windowStart + rateLimit.windowMs - now) / 1000));
  };
}
