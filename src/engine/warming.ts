/**
 * The warm-up of a start, and its end: nothing that happens to it keeps the server from being
 * ready. It is over when it is done, when a caller comes, when the server stops, or after its time;
 * what it has to close is closed later.
 */
import { once } from 'node:events';

/** Compiles the code that callers need, until the signal is aborted. Never rejects. */
export type WarmUp = (signal: AbortSignal) => Promise<void>;

export interface Warming {
  /** Resolves when the server may be ready. */
  begin(): Promise<void>;
  /** Nothing happens before the beginning. */
  end(): void;
  /** Resolves when everything that was opened for it is closed. */
  closed(): Promise<void>;
}

/** A machine that is slower than this takes calls without more of it. */
const WARM_UP_MS_MAX = 2_500;

export function createWarming(warmUp: WarmUp, msMax: number = WARM_UP_MS_MAX): Warming {
  const ending = new AbortController();
  let closed: Promise<void> | undefined;
  return {
    async begin() {
      const late = setTimeout(() => ending.abort(), msMax);
      const over = once(ending.signal, 'abort');
      closed = warmUp(ending.signal);
      await Promise.race([closed, over]);
      clearTimeout(late);
    },
    end() {
      // Called with each webhook: aborting again would create an error with its stack each time.
      if (closed !== undefined && !ending.signal.aborted) ending.abort();
    },
    closed: async () => await closed,
  };
}
