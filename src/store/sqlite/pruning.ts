/** Removes old calls. */
import type { DatabaseSync } from 'node:sqlite';
import { HOURLY_SUMS } from '../contract/calls.ts';
import type { RecentRows } from '../rows/recent-rows.ts';
import type { SqliteHistory } from './history.ts';
import { inTransaction } from './transaction.ts';

/** Returns how many it removed. */
export type Prune = (before: number, limit: number) => number;

interface OverCall {
  call: number;
  caller: string | null;
  callee: string | null;
}

export function preparePruning(
  database: DatabaseSync,
  recent: RecentRows,
  codeVersion: number,
  history: Pick<SqliteHistory, 'forgetParties'>,
): Prune {
  const over = database.prepare(
    `select call, caller, callee from calls where ended_at < ? and code <= ${codeVersion}
       -- What is still to be added to the hourly sums stays until it was.
       and not exists (
         select 1 from uncounted u where u.call = calls.call and u.item = '${HOURLY_SUMS}')
     order by ended_at limit ?`,
  );
  const removals = ['commands', 'attempts', 'events', 'uncounted', 'folded', 'calls'].map((table) =>
    database.prepare(`delete from ${table} where call = ?`),
  );
  return (before, limit) => {
    if (!over.get(before, 1)) return 0;
    const removed = inTransaction(database, () => {
      const calls = over.all(before, limit) as unknown[] as OverCall[];
      const rows = calls.map(({ call }) => call);
      for (const row of rows) for (const remove of removals) remove.run(row);
      const parties = calls.flatMap(({ caller, callee }) => [caller ?? [], callee ?? []].flat());
      history.forgetParties([...new Set(parties)]);
      return rows;
    });
    recent.removed(removed);
    return removed.length;
  };
}
