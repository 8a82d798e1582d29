/**
 * The store: asynchronous, and it decides nothing. Two implementations (SQLite, PostgreSQL), one
 * contract suite. What each part must do is in `contract/`; `rows/` has what both implementations
 * share.
 *
 * Every time is milliseconds since the epoch by the store's own clock, so that replicas agree.
 */
import type { RecentActivity } from './contract/activity.ts';
import type { AuditRows } from './contract/audit.ts';
import type { CallStore } from './contract/calls.ts';
import type { ChangeFeed } from './contract/changes.ts';
import type { DeadLetters } from './contract/dead-letters.ts';
import type { History } from './contract/history.ts';
import type { CallList } from './contract/list.ts';
import type { Outbox } from './contract/outbox.ts';
import type { RouteVersions } from './contract/route-versions.ts';
import type { Replicas, Settings } from './contract/settings.ts';

/** Something that the store has already dealt with and that an operator should know. */
export type StoreNotice =
  /** How far the clock stepped, and how far the store's clock now is from it (positive: behind). */
  | { kind: 'clock_stepped'; clock: 'system' | 'database'; stepMs: number; offMs: number }
  /** The log was removed while it was open; nothing was lost. */
  | { kind: 'log_saved'; words: string };

/**
 * Pings that are closer together share one write, so that a stranger's health checks do not wear
 * the disk.
 */
export const PING_FRESH_MS = 100;

/**
 * Every method except `close` rejects with StoreUnavailable if the store cannot do it now (locked,
 * full, unreachable, closed, its file replaced); the call may be repeated later. Any other error
 * means a wrong argument or a bug and would occur again. Further rejections are named at the
 * method.
 */
export interface Store
  extends CallStore,
    CallList,
    RecentActivity,
    Outbox,
    DeadLetters,
    History,
    ChangeFeed,
    Settings,
    Replicas,
    RouteVersions,
    AuditRows {
  readonly kind: 'sqlite' | 'postgres';
  /**
   * The store's clock, or an earlier time if in doubt: a clock that was set ahead must not prune
   * calls.
   */
  provenNow(): Promise<number>;
  /** Proves that a write would succeed now. */
  ping(): Promise<void>;
  /** Every later call is rejected. */
  close(): Promise<void>;
}
