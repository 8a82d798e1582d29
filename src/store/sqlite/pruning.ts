/** Removes old calls and items that were counted. */
import type { DatabaseSync } from 'node:sqlite';
import type { Uncounted } from '../contract/calls.ts';
import { unpackCall } from '../rows/call-document.ts';
import { HOURLY_SUMS } from '../rows/fold.ts';
import type { RecentRows } from '../rows/recent-rows.ts';
import type { SqliteHistory } from './history.ts';
import { inTransaction } from './transaction.ts';

export interface SqlitePruning {
  prune(before: number, limit: number): number;
  takeUncounted(limit: number, now: number): Uncounted[];
}

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
): SqlitePruning {
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
  const countsDue = database.prepare(
    `select u.call, u.item, c.document from uncounted u join calls c using (call)
     where u.due_at <= ? and u.item <> '${HOURLY_SUMS}' and c.code <= ${codeVersion}
     order by u.due_at limit ?`,
  );
  const takeCount = database.prepare('delete from uncounted where call = ? and item = ?');

  return {
    prune(before, limit) {
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
    },

    takeUncounted(limit, now) {
      // Usually there is nothing to do, which needs no transaction.
      if (countsDue.get(now, 1) === undefined) return [];
      return inTransaction(database, () => {
        const rows = countsDue.all(now, limit) as {
          call: number;
          item: string;
          document: string;
        }[];
        for (const { call, item } of rows) takeCount.run(call, item);
        return rows.map(({ item, document }) => ({ item, call: unpackCall(document) }));
      });
    },
  };
}
