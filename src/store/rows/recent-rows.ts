/**
 * Rows as they stood when they were last loaded or committed here: with them a commit writes only the
 * columns and attempts that changed, and what lives need not be read again a moment later. A copy that has
 * grown stale is harmless, since every commit names the version that it was computed from.
 *
 * Documents are kept as text: a call taken apart is a hundred objects, which the garbage collector would
 * have to walk for as long as the call lives.
 */

import type { Attempt, Call } from '../../core/machine/call.ts';
import { BriefMap } from '../brief-map.ts';
import type { CallChange } from '../contract/calls.ts';
import { attemptMark, type CallColumns, callColumns } from './rows.ts';

/** Some 2 KB each; a machine that carries 500 calls a second sees as many in a quarter of a minute. */
const ROWS_KEPT = 8_000;

export interface RecentRow {
  row: number;
  version: number;
  columns: CallColumns;
  /** Marks of the attempts that have a row. */
  attempts: readonly string[];
  /** Null where nobody would read it. */
  document: string | null;
  /** Keys of all events that the call has; null where only some of them are known. */
  events: readonly string[] | null;
}

const NONE: readonly string[] = [];

export class RecentRows {
  readonly #rows = new BriefMap<string, RecentRow>();

  /** As it was loaded. */
  note(row: number, version: number, call: Call, document: string | null = null): void {
    this.#keep(call, { row, version, document, events: null });
  }

  /** As it was committed, from the version that `change` names. */
  committed({ call, version, events }: CallChange, row: number, document: string): void {
    const before = version === 0 ? NONE : (this.at(call.id, version)?.events ?? null);
    const all = before === null ? null : [...before, ...events.map(({ key }) => key)];
    // Hardly anything follows the end.
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

  /** They are no more, and their numbers may be given to others. */
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

/** Attempts whose row is not as it was; all of them where that is not known. */
export function changedAttempts(before: RecentRow | null, { attempts }: Call): readonly Attempt[] {
  if (before === null || attempts.length === 0) return attempts;
  return attempts.filter((attempt, i) => before.attempts[i] !== attemptMark(attempt));
}
