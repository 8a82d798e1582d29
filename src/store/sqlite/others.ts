/**
 * Two servers should never share one file. If they do, what one remembers of it is dropped when the
 * other has written.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { RecentRows } from '../rows/recent-rows.ts';

/**
 * Call it in every transaction that relies on `recent`; within the transaction nobody else's commit
 * is visible.
 */
export function prepareOthers(database: DatabaseSync, recent: RecentRows): () => void {
  // Changes when another connection commits, never through this one.
  const dataVersion = database.prepare('pragma data_version');
  let dataSeen: unknown = null;
  return () => {
    const data = dataVersion.get()?.data_version;
    if (data !== dataSeen) recent.clear();
    dataSeen = data;
  };
}
