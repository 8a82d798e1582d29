/** Dead letters as rows, the same for every store. */
import type { DeadLetter } from '../contract/dead-letters.ts';

/** Dead letters that are kept; the oldest are removed first. */
export const DEAD_LETTERS_MAX = 10_000;

export function letterOf(row: Record<string, unknown>): DeadLetter {
  return {
    id: Number(row.letter),
    at: Number(row.at),
    error: String(row.error),
    event: JSON.parse(String(row.event)),
  };
}
