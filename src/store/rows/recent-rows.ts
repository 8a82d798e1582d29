/**
 * Rows as they were when this process last loaded or committed them. With them, a commit writes
 * only the columns and attempts that changed, and a live call need not be read again a moment
 * later. A stale copy is harmless, because every commit names the version that it was computed
 * from.
 *
 * Documents are kept as text: a parsed call is a hundred objects, which the garbage collector would
 * have to walk for as long as the call lives.
 */

import type { Attempt, Call } from '../../core/machine/call.ts';
import { BriefMap } from '../brief-map.ts';
import type { CallChange } from '../contract/calls.ts';
import { attemptMark, type CallColumns, callColumns } from './call-columns.ts';

/**
 * Some 2 KB each; a machine that handles 500 calls a second fills this in a quarter of a minute.
 */
const ROWS_KEPT = 8_000;

export interface RecentRow {
  row: number;
  version: number;
  columns: CallColumns;
  /** Marks of the attempts that have a row. */
  attempts: readonly string[];
  /** Null if nobody would read it. */
  document: string | null;
  /** Keys of all events of the call; null if only some of them are known. */
  events: readonly string[] | null;
}

const NONE: readonly string[] = [];

export class RecentRows {
  readonly #rows = new BriefMap<string, RecentRow>();

  /** Remembers a row as it was loaded. */
  note(row: number, version: number, call: Call, document: string | null = null): void {
    this.#keep(call, { row, version, document, events: null });
  }

  /** Remembers a row as it was committed, computed from the version that `change` names. */
  committed({ call, version, events }: CallChange, row: number, document: string): void {
    const before = version === 0 ? NONE : (this.at(call.id, version)?.events ?? null);
    const all = before === null ? null : [...before, ...events.map(({ key }) => key)];
    // Few events follow the end of a call.
    if (call.phase === 'ended') this.forget(call.id);
    else this.#keep(call, { row, version: version + 1, document, events: all });
  }

  get(callId: string): RecentRow | null {
    return this.#rows.get(callId) ?? null;
  }

  at(callId: string, version: number): RecentRow | null {
    const recent = this.#rows.get(callId);
    return recent?.version === version ? recent : null;
  }

  forget(callId: string): void {
    this.#rows.delete(callId);
  }

  /** The rows were deleted, and their numbers may be reused. */
  removed(rows: readonly number[]): void {
    const gone = new Set(rows);
    for (const [callId, { row }] of this.#rows.entries()) {
      if (gone.has(row)) this.#rows.delete(callId);
    }
  }

  clear(): void {
    this.#rows.clear();
  }

  #keep(call: Call, rest: Omit<RecentRow, 'columns' | 'attempts'>): void {
    const attempts = call.attempts.length === 0 ? NONE : call.attempts.map(attemptMark);
    if (this.#rows.size >= ROWS_KEPT && !this.#rows.has(call.id)) {
      const [oldest] = this.#rows.entries().next().value ?? [];
      if (oldest !== undefined) this.#rows.delete(oldest);
    }
    this.#rows.set(call.id, { ...rest, columns: callColumns(call), attempts });
  }
}

/** Attempts whose row has changed; all of them if that is not known. */
export function changedAttempts(before: RecentRow | null, { attempts }: Call): readonly Attempt[] {
  if (before === null || attempts.length === 0) return attempts;
  return attempts.filter((attempt, i) => before.attempts[i] !== attemptMark(attempt));
}
