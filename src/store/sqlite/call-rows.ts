/** Writes the rows of a call and of its events for a commit. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CallChange } from '../contract/calls.ts';
import { type CallColumns, callColumns } from '../rows/call-columns.ts';
import { packCall } from '../rows/call-document.ts';
import { keyOf } from '../rows/key.ts';
import type { RecentRow } from '../rows/recent-rows.ts';
import { packEntry, TIMELINE_ENTRIES_MAX } from '../rows/timeline-entry.ts';

/**
 * Where a change was written: the call's row, the number of its first event, the stored document.
 */
export interface Place {
  row: number;
  entry: number;
  document: string;
}

export interface CallRows {
  /** Null if the version had been taken. */
  writeCall(change: CallChange, before: RecentRow | null): Place | null;
  /** False if one of the events exists already. */
  writeEvents(change: CallChange, place: Place): boolean;
}

export function prepareCallRows(database: DatabaseSync, codeVersion: number): CallRows {
  const insertCall = database.prepare(
    `insert into calls (key, version, code, entries, document, ${COLUMNS.map(([name]) => name).join(', ')})
     values (?, 1, ${codeVersion}, ?, ?, ${COLUMNS.map(() => '?').join(', ')})
     on conflict (key) do nothing`,
  );
  const find = database.prepare('select call from calls where key = ?');
  // SQLite rewrites an index whenever its column is in the SET list, changed or not. So there is
  // one statement for each set of columns that change together, a handful in all.
  const updates = new Map<string, StatementSync>();
  const updateOf = (columns: readonly string[]): StatementSync => {
    const name = columns.join();
    let update = updates.get(name);
    if (update === undefined) {
      update = database.prepare(
        `update calls set version = version + 1, code = ${codeVersion}, entries = entries + ?,
           document = ?${columns.map((column) => `, ${column} = ?`).join('')}
         where call = ? and version = ? and code <= ${codeVersion} returning entries`,
      );
      updates.set(name, update);
    }
    return update;
  };
  const insertEvent = database.prepare(
    'insert into events (call, key, entry, document) values (?, ?, ?, ?) on conflict do nothing',
  );
  return { writeCall, writeEvents };

  function writeCall(change: CallChange, before: RecentRow | null): Place | null {
    const { call, version, events } = change;
    const document = packCall(call);
    const columns = callColumns(call);
    if (version === 0) {
      const values = COLUMNS.map(([, field]) => columns[field]);
      const inserted = insertCall.run(keyOf(call.id), events.length, document, ...values);
      if (inserted.changes === 0) return null;
      return { row: Number(inserted.lastInsertRowid), entry: 0, document };
    }
    const row = before?.row ?? find.get(keyOf(call.id))?.call ?? null;
    const changed = COLUMNS.filter(([, field]) => before?.columns[field] !== columns[field]);
    const updated = updateOf(changed.map(([name]) => name)).get(
      events.length,
      document,
      ...changed.map(([, field]) => columns[field]),
      row,
      version,
    );
    if (!updated) return null;
    return { row: Number(row), entry: Number(updated.entries) - events.length, document };
  }

  function writeEvents(change: CallChange, place: Place): boolean {
    let entry = place.entry;
    for (const event of change.events) {
      const document = entry < TIMELINE_ENTRIES_MAX ? packEntry(event) : null;
      const inserted = insertEvent.run(place.row, keyOf(event.key), entry, document);
      if (inserted.changes === 0) return false;
      entry += 1;
    }
    return true;
  }
}

/** Columns of `calls`, by the names that `CallColumns` gives them. */
const COLUMNS = [
  ['created_at', 'createdAt'],
  ['ended_at', 'endedAt'],
  ['due_at', 'dueAt'],
  ['phase', 'phase'],
  ['ends', 'ends'],
  ['rule', 'rule'],
  ['caller', 'caller'],
  ['callee', 'callee'],
  ['session', 'session'],
  ['parent', 'parent'],
  ['costs', 'costs'],
  ['table_rows', 'tableRows'],
] as const satisfies readonly (readonly [string, keyof CallColumns])[];
