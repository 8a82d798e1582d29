/** Reads a dead letter from its row, the same for every store. */
import type { DeadLetter } from '../contract/dead-letters.ts';

export function letterOf(row: Record<string, unknown>): DeadLetter {
  return {
    id: Number(row.letter),
    at: Number(row.at),
    error: String(row.error),
    event: JSON.parse(String(row.event)),
  };
}
