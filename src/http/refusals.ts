/**
 * Refusals can come as fast as an attacker likes, so the log gets one line per reason and ten seconds,
 * with a count: the first at once, what follows together when the ten seconds are over.
 */
import type { Log } from '../log.ts';
import { HTTP_LIMITS } from './limits.ts';

export interface Refusals {
  count(reason: string, fields: { status: number; detail: string; remote: string }): void;
  /** Writes what is still counted; for the stop. */
  flush(): void;
}

interface Window {
  count: number;
  fields: { status: number; detail: string; remote: string };
  timer: NodeJS.Timeout;
}

export function createRefusals(
  log: Log,
  everyMs: number = HTTP_LIMITS.refusalLogEveryMs,
): Refusals {
  const windows = new Map<string, Window>();

  function close(reason: string, window: Window): void {
    clearTimeout(window.timer);
    windows.delete(reason);
    if (window.count > 0) {
      log.emit('webhook.refused', { reason, count: window.count, ...window.fields });
    }
  }

  return {
    count(reason, fields) {
      const open = windows.get(reason);
      if (open !== undefined) {
        open.count += 1;
        open.fields = fields;
        return;
      }
      log.emit('webhook.refused', { reason, count: 1, ...fields });
      const window: Window = {
        count: 0,
        fields,
        timer: setTimeout(() => close(reason, window), everyMs).unref(),
      };
      windows.set(reason, window);
    },
    flush() {
      for (const [reason, window] of windows) close(reason, window);
    },
  };
}
