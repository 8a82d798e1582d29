/** Calls with their events, read in one statement each, so that they are consistent. */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
import { keyOf } from '../rows/key.ts';
import {
  LISTED,
  RECORDINGS_AT_ONCE,
  type RecordedRow,
  recordedCall,
} from '../rows/recorded-rows.ts';
import { TIMELINE_ENTRIES_MAX } from '../rows/timeline-entry.ts';

export type SqliteRecordings = (callIds: string[]) => RecordedCall[];

export function prepareRecordings(database: DatabaseSync, codeVersion: number): SqliteRecordings {
  const rows = database.prepare(
    `select -1 as entry, document, entries, code, ${LISTED.join(', ')},
       (select json_group_array(json_array(hex(a.key), a.kind, a.target, a.verdict))
         from attempts a where a.call = calls.call) as attempts
       from calls where key = ?1
     union all
     select entry, document, null, null, ${LISTED.map(() => 'null').join(', ')}, null from events
       where call = (select call from calls where key = ?1) and document is not null
     order by entry limit ${TIMELINE_ENTRIES_MAX + 1}`,
  );
  return (callIds) =>
    callIds.flatMap((callId) => {
      const found = rows.all(keyOf(callId)) as unknown as RecordedRow[];
      return recordedCall(found, codeVersion) ?? [];
    });
}

/** Reads some at a time, with a turn of the event loop between them. */
export async function readRecordings(
  callIds: string[],
  look: <T>(read: (parts: { recordings: SqliteRecordings }) => T) => Promise<T>,
): Promise<RecordedCall[]> {
  const found: RecordedCall[] = [];
  for (let at = 0; at < callIds.length; at += RECORDINGS_AT_ONCE) {
    if (at > 0) await setImmediate();
    const some = callIds.slice(at, at + RECORDINGS_AT_ONCE);
    found.push(...(await look(({ recordings }) => recordings(some))));
  }
  return found;
}
