/** What happened lately, counted for charts and tables. */
import type { Attempt, Ends, Phase, Verdict } from '../../core/machine/call.ts';

export interface RecentActivity {
  /** The newest calls that started at or after `since`, at most `callsMax`. */
  activity(since: number, callsMax: number): Promise<Activity>;
}

/**
 * What happened in a span of time, counted in groups, for charts and tables: by minute, rule,
 * target and verdict. Bounded: beyond a number of calls the span begins later than asked for.
 */
export interface Activity {
  /** The store's clock. */
  now: number;
  /** The span that the counts cover begins here. */
  since: number;
  /** Calls that are live now, whenever they began. */
  live: { phase: Phase; count: number }[];
  /** Calls that began in the span. */
  calls: CallGroup[];
  /** Attempts of those calls, without those for which Telnyx was never asked. */
  attempts: AttemptGroup[];
  /** What those calls cost. */
  costs: CostGroup[];
  /** Those of the calls that rows of tables decided; a call is in the group of each of its rows. */
  rows: RowGroup[];
}

export interface CallGroup {
  /** When the minute starts, in milliseconds since the epoch. */
  minute: number;
  /** Null for `otherwise`, and while nothing is decided. */
  rule: string | null;
  /** Null while they are live. */
  ends: Ends | null;
  /** How many attempts each of the calls has had. */
  attempts: number;
  /**
   * How many of those called nobody, because the target was passed over or Telnyx was never asked;
   * absent if none did.
   */
  untried?: number;
  count: number;
}

export interface AttemptGroup {
  minute: number;
  rule: string | null;
  target: string | null;
  kind: Attempt['kind'];
  verdict: Verdict | null;
  count: number;
  /**
   * From acceptance to verdict, in no particular order, of attempts that were sent and have ended.
   */
  tookMs: number[];
}

export interface RowGroup {
  table: string;
  key: string;
  ends: Ends | null;
  attempts: number;
  untried?: number;
  count: number;
}

export interface CostGroup {
  rule: string | null;
  /** The target that was reached, else the last that was tried; absent if nobody was moved. */
  target?: string | null;
  currency: string;
  /** Decimal text. */
  amount: string;
}
