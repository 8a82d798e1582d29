/**
 * What a load saw of each row, kept until its commit: with it the commit writes only the columns and
 * attempts that changed. A row not found here, or seen at another version, is written whole.
 */
import type { Call } from '../core/call.ts';
import { attemptMark, type CallColumns, callColumns } from './rows.ts';

/** Batches are a few hundred events; loads of another may come between a load and its commit. */
const ROWS_KEPT = 4_000;

export interface SeenRow {
  row: number;
  version: number;
  columns: CallColumns;
  /** Marks of the attempts that have a row. */
  attempts: ReadonlySet<string>;
}

const NO_ATTEMPTS: ReadonlySet<string> = new Set();

export class RecentRows {
  readonly #rows = new Map<string, SeenRow>();

  note(row: number, version: number, call: Call): void {
    // Oldest first out: a Map keeps the order of insertion.
    this.#rows.delete(call.id);
    if (this.#rows.size >= ROWS_KEPT) {
      for (const oldest of this.#rows.keys()) {
        this.#rows.delete(oldest);
        break;
      }
    }
    this.#rows.set(call.id, {
      row,
      version,
      columns: callColumns(call),
      attempts: call.attempts.length === 0 ? NO_ATTEMPTS : new Set(call.attempts.map(attemptMark)),
    });
  }

  at(callId: string, version: number): SeenRow | null {
    const seen = this.#rows.get(callId);
    return seen?.version === version ? seen : null;
  }
}
