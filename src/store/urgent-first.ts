/** Hangup and reject go first; in each rank the order they were stored in (the sort is stable). */
import { commandRank } from './rows.ts';
import type { ClaimedCommand } from './store.ts';

export function urgentFirst(claimed: ClaimedCommand[]): ClaimedCommand[] {
  return claimed.sort((a, b) => commandRank(a.command) - commandRank(b.command));
}
