/** Items that wait to be counted, and taking those that are due. */
import type { DatabaseSync } from 'node:sqlite';
import type { Uncounted } from '../contract/calls.ts';
import { HOURLY_SUMS } from '../contract/calls.ts';
import { unpackCall } from '../rows/call-document.ts';
import { inTransaction } from './transaction.ts';

/** Takes at most `limit` of them. */
export type TakeUncounted = (limit: number, now: number) => Uncounted[];

export function prepareUncounted(database: DatabaseSync, codeVersion: number): TakeUncounted {
  const due = database.prepare(
    `select u.call, u.item, c.document from uncounted u join calls c using (call)
     where u.due_at <= ? and u.item <> '${HOURLY_SUMS}' and c.code <= ${codeVersion}
     order by u.due_at limit ?`,
  );
  const take = database.prepare('delete from uncounted where call = ? and item = ?');

  return (limit, now) => {
    // Usually there is nothing to do, which needs no transaction.
    if (due.get(now, 1) === undefined) return [];
    return inTransaction(database, () => {
      const rows = due.all(now, limit) as {
        call: number;
        item: string;
        document: string;
      }[];
      for (const { call, item } of rows) take.run(call, item);
      return rows.map(({ item, document }) => ({ item, call: unpackCall(document) }));
    });
  };
}
