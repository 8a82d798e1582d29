/**
 * Counts by key, such as an address or a name, in windows of time. The map is bounded by dropping
 * the key that was counted longest ago.
 */
export interface WindowsOptions {
  windowMs: number;
  keysMax: number;
  /** Not the wall clock: set back by an hour, it would make a window an hour longer. */
  now?: () => number;
}

export interface Windows {
  /**
   * Counts one more for this key. Returns the count in its window and how long the window still
   * lasts.
   */
  add(key: string): { count: number; endsInMs: number };
}

export function createWindows({
  windowMs,
  keysMax,
  now = () => performance.now(),
}: WindowsOptions): Windows {
  const windows = new Map<string, { count: number; endsAt: number }>();
  return {
    add(key) {
      const at = now();
      let window = windows.get(key);
      if (window === undefined || window.endsAt <= at) {
        window = { count: 0, endsAt: at + windowMs };
      }
      window.count += 1;
      windows.delete(key);
      windows.set(key, window);
      if (windows.size > keysMax) {
        const oldest = windows.keys().next();
        if (!oldest.done) windows.delete(oldest.value);
      }
      return { count: window.count, endsInMs: window.endsAt - at };
    },
  };
}
