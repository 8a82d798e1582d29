/**
 * How warm the connections to Telnyx are, and whether Telnyx may be asked something only to keep
 * them open. The pool sends each request on its first connection that is free, so the first two
 * stay in use as long as two requests are under way together now and then. A caller needs two:
 * `call.answered` often arrives while the answer command still waits for its response, and the
 * REFER then takes the second.
 */
import type { Outcome } from '../core/machine/command.ts';
import { type Answer, waitMs } from './outcome.ts';

export const WARM_CONNECTIONS = 2;
/** How long nothing is asked after a 429 that does not say. */
const LIMITED_MS = 60_000;

export interface Warmth {
  /** A request begins; what is returned is called when its connection is free again. */
  begin(): () => void;
  /** For how long the connections were not in use together. */
  quietMs(): number;
  /** Not while Telnyx refuses the key or limits our rate. */
  mayAsk(): boolean;
  /** Of a command. */
  outcome(outcome: Outcome): void;
  /** To what was asked to stay warm. */
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
