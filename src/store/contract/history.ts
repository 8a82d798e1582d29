/**
 * The hourly sums that ended calls are added to; reports are made from them even after the calls
 * are pruned.
 */
import type { Sum } from '../../core/history/sums.ts';

export interface History {
  /**
   * Adds at most `limit` ended calls to the hourly sums, and what has changed of calls that were
   * added before; also adds their parties to the search. Returns how many calls there were. One
   * replica does it at a time; the others get 0 meanwhile.
   */
  fold(limit: number): Promise<number>;
  /** Sums of the calls that started in [from, to), in whole hours; in no particular order. */
  sums(from: number, to: number): Promise<Sum[]>;
  /** Removes at most `limit` hourly sums from before this time; returns how many. */
  pruneSums(before: number, limit: number): Promise<number>;
}
