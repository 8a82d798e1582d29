/** `30s`, `500ms`, `2m`, `1h` in milliseconds; null if it is not written like this. */
export function parseDuration(text: string): number | null {
  const parts = /^([0-9]{1,9})(ms|s|m|h)$/.exec(text);
  if (parts === null) return null;
  const unit = UNIT_MS[parts[2] as keyof typeof UNIT_MS];
  return Number(parts[1]) * unit;
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

export interface DurationBounds {
  fromMs: number;
  toMs: number;
  words: string;
}

/** Nothing can succeed in less than a round trip, and no caller waits longer than ten minutes. */
export const ATTEMPT_BOUNDS: DurationBounds = { fromMs: 100, toMs: 600_000, words: '100ms to 10m' };
export const PATIENCE_BOUNDS: DurationBounds = {
  fromMs: 100,
  toMs: 3_600_000,
  words: '100ms to 1h',
};
/** Bounds of the durations in a guarantee. */
export const GUARANTEE_BOUNDS: DurationBounds = {
  fromMs: 0,
  toMs: 86_400_000,
  words: '0s to 24h',
};
/** The caller hears ringing meanwhile, and the whole lookup must fit into one lease. */
export const LOOKUP_TIMEOUT_BOUNDS: DurationBounds = {
  fromMs: 50,
  toMs: 5_000,
  words: '50ms to 5s',
};
export const LOOKUP_CACHE_BOUNDS: DurationBounds = {
  fromMs: 1_000,
  toMs: 86_400_000,
  words: '1s to 24h',
};
export const MENU_BOUNDS: DurationBounds = { fromMs: 100, toMs: 120_000, words: '100ms to 2m' };
