/** The rows of attempts, and the items that are counted once they are final. */
import type { DatabaseSync } from 'node:sqlite';
import { cleanOrNull } from '../../core/clean-text.ts';
import { isCounted } from '../../core/machine/counting.ts';
import type { CallChange } from '../contract/calls.ts';
import { tookMs } from '../rows/call-columns.ts';
import { keyOf } from '../rows/key.ts';
import { changedAttempts, type RecentRow } from '../rows/recent-rows.ts';

export interface AttemptRows {
  writeAttempts(change: CallChange, row: number, before: RecentRow | null): void;
  /** Adds the waiting items that it takes out to `counted`. */
  writeTally(change: CallChange, row: number, counted: string[]): void;
}

export function prepareAttemptRows(database: DatabaseSync): AttemptRows {
  const writeAttempt = database.prepare(
    `insert into attempts (call, key, kind, target, verdict, caller, created_at, started_at, unsent,
       took_ms)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (call, key) do update set kind = excluded.kind, target = excluded.target,
       verdict = excluded.verdict, caller = excluded.caller, started_at = excluded.started_at,
       unsent = excluded.unsent, took_ms = excluded.took_ms`,
  );
  const awaitCount = database.prepare(
    'insert into uncounted (call, item, due_at) values (?, ?, ?) on conflict do nothing',
  );
  const takeCount = database.prepare('delete from uncounted where call = ? and item = ?');

  return { writeAttempts, writeTally };

  function writeAttempts(change: CallChange, row: number, before: RecentRow | null): void {
    for (const attempt of changedAttempts(before, change.call)) {
      writeAttempt.run(
        row,
        keyOf(attempt.id),
        attempt.kind,
        cleanOrNull(attempt.target),
        attempt.verdict,
        cleanOrNull(change.call.facts.from),
        Math.round(change.call.createdAt),
        Math.round(attempt.startedAt),
        isCounted(attempt) ? 0 : 1,
        tookMs(attempt),
      );
    }
  }

  function writeTally({ tally }: CallChange, row: number, counted: string[]): void {
    for (const [item, entry] of tally) {
      if (entry !== 'final') awaitCount.run(row, item, Math.round(entry.waits));
      else if (takeCount.run(row, item).changes > 0) counted.push(item);
    }
  }
}
