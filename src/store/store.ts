/**
 * The store: asynchronous, and it decides nothing. Two implementations (SQLite, PostgreSQL), one
 * contract suite. What each part must do is in `contract/`; `rows/` has what both implementations share.
 *
 * Every time is milliseconds since the epoch by the store's own clock, so that replicas agree.
 */
import type { Ends, Phase, Verdict } from '../core/machine/call.ts';
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
 * Every method except `close` rejects with StoreUnavailable if the store cannot do it now (locked,
 * full, unreachable, closed, its file replaced); the call may be repeated later. Any other error
 * means a wrong argument or a bug and would occur again. Further rejections are named at the method.
 */
export interface Store
  extends CallStore,
    CallList,
    Outbox,
    DeadLetters,
    History,
    ChangeFeed,
    Settings,
    Replicas,
    RouteVersions,
    AuditRows {
  readonly kind: 'sqlite' | 'postgres';
  /** The newest calls that started at or after `since`, at most `callsMax`. */
  activity(since: number, callsMax: number): Promise<Activity>;
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

/**
 * What happened in a span of time, counted in groups, for charts and tables: by minute, rule, target
 * and verdict. Bounded: beyond a number of calls the span begins later than asked for.
 */
export interface Activity {
  /** The store's clock. */
  now: number;
  /** The span that the counts cover begins here. */
  since: number;
  /** Calls that live now, whenever they came. */
  live: { phase: Phase; count: number }[];
  /** Calls that came in the span. */
  calls: CallGroup[];
  /** Attempts of those calls. */
  attempts: AttemptGroup[];
  /** What those calls cost. */
  costs: CostGroup[];
  /** Of those calls, the ones that rows of tables decided: each is in the group of each row. */
  rows: RowGroup[];
}

export interface CallGroup {
  /** Of its start, milliseconds since the epoch. */
  minute: number;
  rule: string | null;
  /** Null while they live. */
  ends: Ends | null;
  /** How many each of them has had. */
  attempts: number;
  count: number;
}

export interface AttemptGroup {
  minute: number;
  rule: string | null;
  target: string | null;
  verdict: Verdict | null;
  count: number;
  /** From accepted to the verdict, in no order; of those that were sent and have ended. */
  tookMs: number[];
}

export interface RowGroup {
  table: string;
  key: string;
  ends: Ends | null;
  attempts: number;
  count: number;
}

export interface CostGroup {
  rule: string | null;
  /** The target that was reached, else the last that was tried; absent where nobody was moved. */
  target?: string | null;
  currency: string;
  /** Decimal text. */
  amount: string;
}
