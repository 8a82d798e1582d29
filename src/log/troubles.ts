/**
 * What is wrong at the moment, gathered from what is logged: every error, and the warnings that a human
 * should look at. Of this process only; heartbeats carry it to the other replicas.
 */

import { LOG_EVENTS, type LogEventName } from './events.ts';
import type { Log, LogFields } from './log.ts';

export interface Trouble {
  /** Name of a log event, or a word of the same kind. */
  kind: string;
  severity: 'error' | 'warning';
  title: string;
  detail: string | null;
  fix: string | null;
  count: number;
  firstAt: number | null;
  lastAt: number | null;
  target: string | null;
  /** It is a consequence of a store that does not work, and over with that. */
  cause?: 'store';
}

export interface Troubles {
  /** Passes everything on and remembers what is trouble. */
  log: Log;
  /** `storeGoodAt`: when the store was last seen to work; null where it does not. */
  recent(storeGoodAt?: number | null): Trouble[];
}

/** Trouble is told for so long after it was last seen. */
const KEPT_MS = 60 * 60_000;
/** A wrong clock is seen with every webhook: silence means that it was set. */
const CLOCK_KEPT_MS = 5 * 60_000;
/** The store has worked for so long since: longer than lines of one kind are held together. */
const STORE_WORKS_MS = 12_000;
/** Reasons are our own words; this only bounds what nobody foresaw. */
const TROUBLES_MAX = 100;
const DETAIL_CHARS_MAX = 500;

/** Warnings worth a place on the page. Failed attempts are told by target, refused reloads as long as they stand. */
const WARNINGS: ReadonlySet<LogEventName> = new Set([
  'webhook.refused',
  'webhook.unavailable',
  'webhook.clock_skew',
  'upkeep.failed',
  'handler.failed',
  'admin.refused',
  'outcome.unrecorded',
  'outbox.unreadable',
]);
/** Errors that are standing facts with an entry of their own. */
const TOLD_ELSEWHERE: ReadonlySet<LogEventName> = new Set([
  'routes.refused',
  'command.misconfigured',
]);
/** What a store that does not work makes of all that needs it. */
const OF_THE_STORE: ReadonlySet<string> = new Set([
  'store.unavailable',
  'sweep.failed',
  'upkeep.failed',
  'outbox.unreadable',
  'outcome.unrecorded',
  'webhook.unavailable',
]);
/** Webhooks answered 503 for other reasons: load, a stop, a row of newer code. */
const NOT_OF_THE_STORE: ReadonlySet<string | null> = new Set([
  'too_many',
  'verifier_busy',
  'stopping',
  'newer_row',
]);

export function watchTroubles(log: Log, now: () => number): Troubles {
  const troubles = new Map<string, Trouble & { lastAt: number }>();
  let recoveredAt = Number.NEGATIVE_INFINITY;

  function note(event: LogEventName, fields: LogFields): void {
    const { level, meaning, action } = LOG_EVENTS[event];
    const reason = typeof fields.reason === 'string' ? fields.reason : null;
    const key = `${event} ${reason}`;
    const at = momentOf(fields.last_at) ?? now();
    const ofTheStore = OF_THE_STORE.has(event) && !NOT_OF_THE_STORE.has(reason);
    // Counted before, and only told now.
    if (ofTheStore && at < recoveredAt) return;
    const known = troubles.get(key);
    if (known === undefined && troubles.size >= TROUBLES_MAX) return;
    troubles.set(key, {
      kind: event,
      severity: level === 'error' ? 'error' : 'warning',
      title: reason === null ? meaning : `${meaning.split(/;| for one reason/)[0]}: ${reason}`,
      detail: detailOf(fields),
      fix: textOf(fields.fix) ?? (action === '' ? null : action),
      count: (known?.count ?? 0) + (typeof fields.count === 'number' ? fields.count : 1),
      firstAt: known?.firstAt ?? at,
      lastAt: at,
      target: null,
      ...(ofTheStore ? { cause: 'store' } : {}),
    });
  }

  return {
    log: {
      shows: (event) => log.shows?.(event) ?? true,
      emit(event, fields) {
        if (event === 'store.recovered') {
          recoveredAt = now();
          forget(({ cause }) => cause === 'store');
        } else if (isTrouble(event)) note(event, fields ?? {});
        log.emit(event, fields);
      },
    },
    recent(storeGoodAt = null) {
      const at = now();
      forget(({ kind, cause, lastAt }) => {
        if (cause === 'store' && storeGoodAt !== null && storeGoodAt - lastAt > STORE_WORKS_MS) {
          return true;
        }
        return at - lastAt > (kind === 'webhook.clock_skew' ? CLOCK_KEPT_MS : KEPT_MS);
      });
      return [...troubles.values()];
    },
  };

  function forget(over: (trouble: Trouble & { lastAt: number }) => boolean): void {
    for (const [key, trouble] of troubles) if (over(trouble)) troubles.delete(key);
  }
}

/** Something that holds as long as it is told, such as a warning of the ready endpoint. */
export function standing(title: string): Trouble {
  const nothing = { detail: null, fix: null, firstAt: null, lastAt: null, target: null };
  return { kind: 'ready.warning', severity: 'error', title, count: 1, ...nothing };
}

function isTrouble(event: LogEventName): boolean {
  if (TOLD_ELSEWHERE.has(event)) return false;
  return LOG_EVENTS[event].level === 'error' || WARNINGS.has(event);
}

function detailOf(fields: LogFields): string | null {
  if (typeof fields.skew_secs === 'number') {
    return `Our clock is ${Math.round(fields.skew_secs)} s away from Telnyx's.`;
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
