/** The simulator's time: scripted durations are scaled, and every timer can be cancelled. */

export interface Clock {
  /** Runs after a scripted duration, scaled. Returns a function that cancels it. */
  after(ms: number, run: () => void): () => void;
  /**
   * Runs after real milliseconds: the protocol's own times (retries, time limits) are never scaled.
   */
  afterReal(ms: number, run: () => void): () => void;
  /** ISO 8601 with microseconds, strictly increasing: events are ordered by it. */
  stamp(): string;
  stop(): void;
}

export function createClock(scale: number): Clock {
  const timers = new Set<NodeJS.Timeout>();
  let lastMicros = 0;
  let stopped = false;

  const afterReal = (ms: number, run: () => void): (() => void) => {
    if (stopped) return () => {};
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
    return () => {
      clearTimeout(timer);
      timers.delete(timer);
    };
  };

  return {
    after: (ms, run) => afterReal(ms * scale, run),
    afterReal,
    stamp() {
      const now = Math.floor((performance.timeOrigin + performance.now()) * 1000);
      lastMicros = Math.max(now, lastMicros + 1);
      const micros = String(lastMicros % 1000).padStart(3, '0');
      return new Date(Math.floor(lastMicros / 1000)).toISOString().replace('Z', `${micros}Z`);
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
