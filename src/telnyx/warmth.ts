/**
 * How long the connections to Telnyx have been idle, and whether a request may be sent only to keep
 * them open. The pool sends each request on its first free connection, so its first two stay open
 * if two requests overlap now and then. A caller needs two: `call.answered` often arrives while the
 * answer command still waits for its response, and the REFER then takes the second.
 */
import type { Outcome } from '../core/machine/command.ts';
import { type Answer, waitMs } from './outcome.ts';

export const WARM_CONNECTIONS = 2;
/** How long no such request is sent after a 429 that names no wait. */
const LIMITED_MS = 60_000;

interface Warmth {
  /** Call when a request begins; call the returned function when its connection is free again. */
  begin(): () => void;
  /** How long ago two requests last overlapped. */
  quietMs(): number;
  /** False while Telnyx refuses the key or limits our rate. */
  mayAsk(): boolean;
  /** Reports the outcome of a command. */
  outcome(outcome: Outcome): void;
  /** Reports the answer to a request that was sent only to stay warm. */
  answer(answer: Answer): void;
}

/** `now` is monotonic. */
export function createWarmth(now: () => number): Warmth {
  let underWay = 0;
  let usedAt = now();
  let keyRefused = false;
  let limitedUntil = -Infinity;

  function use(): void {
    if (underWay >= WARM_CONNECTIONS) usedAt = now();
  }

  return {
    begin() {
      underWay += 1;
      use();
      return () => {
        use();
        underWay -= 1;
      };
    },
    quietMs: () => now() - usedAt,
    mayAsk: () => !keyRefused && now() >= limitedUntil,
    outcome(outcome) {
      if (outcome.kind === 'accepted') keyRefused = false;
      if (outcome.kind === 'rejected' && outcome.misconfigured === 'TELNYX_API_KEY') {
        keyRefused = true;
      }
      if (outcome.kind === 'retry' && outcome.status === 429) limited(outcome.afterMs);
    },
    answer({ status, rateLimitReset, retryAfter }) {
      if (status === 401 || status === 403) keyRefused = true;
      if (status === 429) limited(waitMs(rateLimitReset, retryAfter));
    },
  };

  function limited(ms: number | null): void {
    limitedUntil = now() + (ms ?? LIMITED_MS);
  }
}
