/**
 * Passes an outcome to the receiver, and again if the store cannot accept it, because a lost
 * outcome would cause the command to be sent again.
 */

import type { OutcomeEvent } from '../../core/machine/event.ts';
import { NewerRow } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { Settlement } from '../../store/contract/calls.ts';
import type { Clock } from '../clock.ts';
import type { Received } from '../engine.ts';
import { retryDelayMs } from './backoff.ts';

/** Retry soon, because the caller is waiting for the next step. */
const AGAIN_MS_MAX = 2_000;
/** While the store is down, every outcome fails; one line with a count is logged in this time. */
const LOG_EVERY_MS = 10_000;

export interface Recorder {
  /** Resolves when the receiver has stored it, or it was given up. */
  record(event: OutcomeEvent, settle: Settlement): Promise<void>;
  /** Outcomes that were not stored at the first try. */
  waiting(): number;
  stop(): void;
}

interface RecorderOptions {
  receive(event: OutcomeEvent, settle: Settlement): Promise<Received>;
  log: Log;
  clock: Clock;
  chance(): number;
}

export function createRecorder({ receive, log, clock, chance }: RecorderOptions): Recorder {
  const pauses = new Set<() => void>();
  let waiting = 0;
  let stopped = false;
  let failures = 0;
  let loggedAt = -Infinity;

  return {
    async record(event, settle) {
      let failed = false;
      for (let tries = 1; ; tries += 1) {
        try {
          await receive(event, settle);
          break;
        } catch (error) {
          if (!failed) waiting += 1;
          failed = true;
          if (!goesOn(error, event)) break;
          await pause(Math.min(retryDelayMs(tries, chance()), AGAIN_MS_MAX));
          // The lease expires, and the command is sent again with the same id, which Telnyx
          // ignores.
          if (stopped) break;
        }
      }
      if (failed) waiting -= 1;
    },
    waiting: () => waiting,
    stop() {
      stopped = true;
      for (const end of pauses) end();
    },
  };

  function goesOn(error: unknown, event: OutcomeEvent): boolean {
    // Newer code wrote the row; a replica that runs it claims and settles the command.
    const newer = error instanceof NewerRow;
    failures += 1;
    const now = clock.monotonic();
    if (now - loggedAt >= LOG_EVERY_MS) {
      log.emit('outcome.unrecorded', {
        call_control_id: event.callId,
        command: event.commandId,
        outcome: event.outcome.kind,
        count: failures,
        err: error,
      });
      loggedAt = now;
      failures = 0;
    }
    return !newer && !stopped;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      pauses.add(end);
    });
  }
}
