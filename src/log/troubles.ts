/**
 * The current problems, collected from the log: every error, and the warnings that a human should
 * see. They are those of this process; heartbeats carry them to the other replicas.
 */

import { LOG_EVENTS, type LogEventName } from './events.ts';
import type { Log, LogFields } from './log.ts';

export interface Trouble {
  /** The name of a log event, or a similar word. */
  kind: string;
  severity: 'error' | 'warning';
  title: string;
  detail: string | null;
  fix: string | null;
  count: number;
  firstAt: number | null;
  lastAt: number | null;
  target: string | null;
  /** A consequence of a store that does not work; it ends when the store works again. */
  cause?: 'store';
}

export interface Troubles {
  /** A log that passes every line on and remembers problems. */
  log: Log;
  /**
   * `storeGoodAt`: when the store last worked, by the monotonic clock; null if it does not work now.
   */
  recent(storeGoodAt?: number | null): Trouble[];
}

/** How long a problem is shown after it was last seen. */
const KEPT_MS = 60 * 60_000;
/** Every webhook shows a wrong clock, so silence means that it was corrected. */
const CLOCK_KEPT_MS = 5 * 60_000;
/**
 * A store problem ends when the store has worked for this long, which is longer than lines are
 * grouped.
 */
const STORE_WORKS_MS = 12_000;
/**
 * The same if a job was failing, because it may fail although the store works: longer than its
 * pause before the next try. If it still fails then, it is noted again.
 */
const JOB_WORKS_MS = 90_000;
/** Reasons are our own words, so this only limits the unexpected. */
const TROUBLES_MAX = 100;
const DETAIL_CHARS_MAX = 500;

/**
 * Warnings shown on the page. Failed attempts are shown by target, and refused reloads while they
 * last.
 */
const WARNINGS: ReadonlySet<LogEventName> = new Set([
  'webhook.refused',
  'webhook.unavailable',
  'webhook.without_call',
  'webhook.clock_skew',
  'upkeep.failed',
  'recovery.failed',
  'handler.failed',
  'admin.refused',
  'outcome.unrecorded',
  'outbox.unreadable',
]);
/** Lasting errors that have an entry of their own. */
const SHOWN_ELSEWHERE: ReadonlySet<LogEventName> = new Set([
  'routes.refused',
  'tokens.refused',
  'command.misconfigured',
]);
/** Consequences of a store that does not work. */
const OF_THE_STORE: ReadonlySet<string> = new Set([
  'store.unavailable',
  'sweep.failed',
  'upkeep.failed',
  'outbox.unreadable',
  'outcome.unrecorded',
  'audit.unwritten',
  'webhook.unavailable',
]);
/** Webhooks answered 503 for other reasons: load, a shutdown, a row written by newer code. */
const NOT_OF_THE_STORE: ReadonlySet<string | null> = new Set([
  'too_many',
  'too_many_bytes',
  'stopping',
  'newer_row',
]);

/** Problems show the time of the wall clock. How old they are it cannot say, as it may be set. */
export interface TroubleClock {
  now(): number;
  monotonic(): number;
}

interface Seen {
  trouble: Trouble;
  /** When it was last seen, by the monotonic clock. */
  since: number;
}

export function watchTroubles(log: Log, { now, monotonic }: TroubleClock): Troubles {
  const troubles = new Map<string, Seen>();
  let recoveredAt = Number.NEGATIVE_INFINITY;

  function note(event: LogEventName, fields: LogFields): void {
    const { level, meaning, action } = LOG_EVENTS[event];
    const reason = typeof fields.reason === 'string' ? fields.reason : null;
    const key = `${event} ${reason}`;
    const at = momentOf(fields.last_at) ?? now();
    const since = monotonic() - Math.max(0, now() - at);
    const ofTheStore =
      (OF_THE_STORE.has(event) && !NOT_OF_THE_STORE.has(reason)) || saysStore(fields.err);
    // The line is from before the recovery and was only logged now.
    if (ofTheStore && since < recoveredAt) return;
    const known = troubles.get(key)?.trouble;
    if (known === undefined && troubles.size >= TROUBLES_MAX) return;
    const trouble: Trouble = {
      kind: event,
      severity: level === 'error' ? 'error' : 'warning',
      title: reason === null ? meaning : `${meaning.split(/\.(?: |$)|;/)[0]}: ${reason}`,
      detail: detailOf(fields),
      fix: textOf(fields.fix) ?? (action === '' ? null : action),
      count: (known?.count ?? 0) + (typeof fields.count === 'number' ? fields.count : 1),
      firstAt: known?.firstAt ?? at,
      lastAt: at,
      target: null,
      ...(ofTheStore ? { cause: 'store' } : {}),
    };
    troubles.set(key, { trouble, since });
  }

  return {
    log: {
      shows: (event) => log.shows?.(event) ?? true,
      emit(event, fields) {
        if (event === 'store.recovered') {
          recoveredAt = monotonic();
          forget(({ trouble }) => trouble.cause === 'store');
        } else if (isTrouble(event)) note(event, fields ?? {});
        log.emit(event, fields);
      },
      lasts(event, fields) {
        if (isTrouble(event)) note(event, fields ?? {});
        log.lasts?.(event, fields);
      },
    },
    recent(storeGoodAt = null) {
      const at = monotonic();
      forget(({ trouble: { kind, cause }, since }) => {
        const worksMs = kind === 'upkeep.failed' ? JOB_WORKS_MS : STORE_WORKS_MS;
        if (cause === 'store' && storeGoodAt !== null && storeGoodAt - since > worksMs) return true;
        return at - since > (kind === 'webhook.clock_skew' ? CLOCK_KEPT_MS : KEPT_MS);
      });
      return [...troubles.values()].map(({ trouble }) => trouble);
    },
  };

  function forget(over: (seen: Seen) => boolean): void {
    for (const [key, seen] of troubles) if (over(seen)) troubles.delete(key);
  }
}

/** What failed because of the store, where it may also fail for another reason. */
function saysStore(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'STORE_UNAVAILABLE';
}

/** A problem that lasts as long as it is reported, such as a warning of the ready endpoint. */
export function readyWarning(title: string): Trouble {
  const nothing = { detail: null, fix: null, firstAt: null, lastAt: null, target: null };
  return { kind: 'ready.warning', severity: 'error', title, count: 1, ...nothing };
}

function isTrouble(event: LogEventName): boolean {
  if (SHOWN_ELSEWHERE.has(event)) return false;
  return LOG_EVENTS[event].level === 'error' || WARNINGS.has(event);
}

function detailOf(fields: LogFields): string | null {
  if (typeof fields.skew_secs === 'number') {
    return `Our clock differs from Telnyx's by ${Math.round(fields.skew_secs)} s.`;
  }
  const call = textOf(fields.call_control_id);
  const said = textOf(fields.detail) ?? (fields.err instanceof Error ? fields.err.message : null);
  const parts = [said, call === null ? null : `Call ${call}`].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' ').slice(0, DETAIL_CHARS_MAX);
}

function momentOf(value: unknown): number | null {
  return typeof value === 'string' ? Date.parse(value) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
