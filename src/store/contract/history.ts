/** The hourly sums that ended calls are added to; reports are made of them when the calls are gone. */
import type { Sum } from '../../core/history/sums.ts';

export interface History {
  /**
   * Adds at most `limit` ended calls to the hourly sums, with what changed of those that were added
   * before, and makes their parties known to the search; returns how many calls there were. One replica
   * at a time: 0 also while another does it.
   */
  fold(limit: number): Promise<number>;
  /** Of the calls that came in [from, to), whole hours; in no order. */
  sums(from: number, to: number): Promise<Sum[]>;
  /** Removes at most `limit` hourly sums from before; returns how many. */
  pruneSums(before: number, limit: number): Promise<number>;
}
