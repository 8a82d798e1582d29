/** Two servers may have one file, though nobody should: what one remembers of it ends where the other has written. */
import type { DatabaseSync } from 'node:sqlite';
import type { RecentRows } from '../rows/recent-rows.ts';

/** To be called in every transaction that relies on `recent`; within it nobody else commits, or is not seen. */
export function prepareOthers(database: DatabaseSync, recent: RecentRows): () => void {
  // Moves when another connection has committed, never by what this one does.
  const dataVersion = database.prepare('pragma data_version');
  let dataSeen: unknown = null;
  return () => {
    const data = dataVersion.get()?.data_version;
    if (data !== dataSeen) recent.clear();
    dataSeen = data;
  };
}
