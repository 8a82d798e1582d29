/** Calls by filter, newest first, read in chunks; the SQL of a chunk is in list-query.ts. */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { Call } from '../../core/machine/call.ts';
import type { CallFilter } from '../contract/list.ts';
import type { TimelineEntry } from '../contract/timeline.ts';
import { unpackCall } from '../rows/call-document.ts';
import { type Position, readCursor, writeCursor } from '../rows/cursor.ts';
import { type Found, find } from '../rows/find.ts';
import { keyOf } from '../rows/key.ts';
import { storedForm } from '../rows/list-filter.ts';
import { TIMELINE_ENTRIES_MAX, unpackEntry } from '../rows/timeline-entry.ts';
import { finderOf, type SqliteFinder } from './find.ts';
import { chunkQuery, LIST_CHUNK_ROWS } from './list-query.ts';

/** Rows read for one page, in all chunks. */
const LIST_SCAN_ROWS_MAX = 20_000;

export interface Chunk {
  calls: { call: Call; position: Position }[];
  /** Rows read; if fewer than asked for, there are no more. */
  scanned: number;
  last: Position | null;
}

export interface SqliteList {
  /** `wanted`: parses at most this many calls, however many rows are read. */
  chunk(filter: CallFilter, after: Position, found: Found | null, wanted: number): Chunk;
  timeline(callId: string): TimelineEntry[];
}

export function prepareList(database: DatabaseSync): SqliteList {
  const document = database.prepare('select document from calls where call = ?');
  const entries = database.prepare(
    `select document from events where call = (select call from calls where key = ?)
     and document is not null order by entry limit ${TIMELINE_ENTRIES_MAX}`,
  );

  return {
    chunk(filter, after, found, wanted) {
      const { sql, values } = chunkQuery(filter, after, found);
      const rows = database.prepare(sql).all(...values) as unknown[] as ChunkRow[];
      const calls: Chunk['calls'] = [];
      let position: Position | null = null;
      for (const row of rows) {
        if (calls.length === wanted) break;
        const again = position?.row === row.call;
        position = { createdAt: row.created_at, row: row.call };
        if (again || !isHit(row, found)) continue;
        const stored = document.get(row.call) as { document: string } | undefined;
        // Another process may have removed it since the rows were read.
        if (stored === undefined) continue;
        calls.push({ call: unpackCall(stored.document), position });
      }
      return { calls, scanned: rows.length, last: position };
    },

    timeline(callId) {
      const rows = entries.all(keyOf(callId)) as { document: string }[];
      return rows.map((row) => unpackEntry(row.document));
    },
  };
}

interface ChunkRow {
  call: number;
  created_at: number;
  hit: number;
  caller: string | null;
  callee: string | null;
  named: number;
}

function isHit({ hit, named, caller, callee }: ChunkRow, found: Found | null): boolean {
  if (!hit) return false;
  return found?.kind !== 'many' || found.matches({ named: named === 1, caller, callee });
}

/** Makes one page from chunks, with a turn of the event loop between them. */
export async function listPage(
  asked: CallFilter,
  look: <T>(read: (parts: { list: SqliteList; finder: SqliteFinder }) => T) => Promise<T>,
): Promise<{ calls: Call[]; next: string | null }> {
  const filter = storedForm(asked);
  let position = readCursor(filter.cursor);
  const found =
    filter.q === undefined ? null : await find(filter.q, filter, position, finderOf(look));
  const calls: Chunk['calls'] = [];
  for (let scanned = 0; scanned < LIST_SCAN_ROWS_MAX; scanned += LIST_CHUNK_ROWS) {
    // One call more shows that there is another page.
    const [after, wanted] = [position, filter.limit + 1 - calls.length];
    const chunk = await look(({ list }) => list.chunk(filter, after, found, wanted));
    calls.push(...chunk.calls);
    const page = calls.slice(0, filter.limit);
    const last = page.at(-1);
    if (calls.length > filter.limit && last) {
      return { calls: page.map(({ call }) => call), next: writeCursor(last.position) };
    }
    if (chunk.scanned < LIST_CHUNK_ROWS || chunk.last === null) {
      return { calls: page.map(({ call }) => call), next: null };
    }
    position = chunk.last;
    await setImmediate();
  }
  return { calls: calls.map(({ call }) => call), next: writeCursor(position) };
}
