/**
 * Anybody can cause any number of refusals, and a fault at Telnyx any number of events without
 * effect. So the log gets at most two lines per reason in ten seconds: the first at once, and a
 * count of the others when the ten seconds are over.
 */
import type { Log } from '../../log/log.ts';
import { HTTP_LIMITS } from '../limits.ts';

export interface Refusals {
  count(reason: string, fields: RefusalFields): void;
  /** Logs the pending counts; called before the process stops. */
  flush(): void;
}

export interface RefusalFields {
  status: number;
  detail: string;
  fix: string | null;
  remote: string;
}

interface Window {
  count: number;
  fields: RefusalFields;
  lastAt: number;
  timer: NodeJS.Timeout;
}

export function createRefusals(
  log: Log,
  event: 'webhook.refused' | 'webhook.unavailable' | 'webhook.without_call',
  everyMs: number = HTTP_LIMITS.refusalLogEveryMs,
): Refusals {
  const windows = new Map<string, Window>();

  function close(reason: string, window: Window): void {
    clearTimeout(window.timer);
    windows.delete(reason);
    if (window.count > 0) {
      const last_at = new Date(window.lastAt).toISOString();
      log.emit(event, { reason, count: window.count, last_at, ...window.fields });
    }
  }

  return {
    count(reason, fields) {
      const open = windows.get(reason);
      if (open !== undefined) {
        open.count += 1;
        open.fields = fields;
        open.lastAt = Date.now();
        return;
      }
      log.emit(event, { reason, count: 1, ...fields });
      const window: Window = {
        count: 0,
        fields,
        lastAt: Date.now(),
        timer: setTimeout(() => close(reason, window), everyMs).unref(),
      };
      windows.set(reason, window);
    },
    flush() {
      for (const [reason, window] of windows) close(reason, window);
    },
  };
}
