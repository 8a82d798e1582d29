/**
 * Refers and transfers of the last hour, in all. A thousand are counted anew for every batch; a million
 * would cost more than the batch, so a large count is kept for a while and what this process commits
 * is added to it. What another replica started meanwhile is seen a little later, and what has left
 * the hour, or was refused by Telnyx's API, still counts a little longer.
 */
import { isCounted } from '../core/machine/attempt.ts';
import type { BudgetCounts, CommitResult, CommitUnit, LoadKeys } from './store.ts';

/** Counting so many takes some 50 microseconds. */
const EXACT_MAX = 1_000;
/** Kept a hundred times as long as the counting took, within these bounds. */
const KEPT_FOR_COSTS = 100;
const KEPT_MS_MIN = 1_000;
const KEPT_MS_MAX = 30_000;

interface Kept {
  counts: BudgetCounts;
  limit: number;
  /** By the store's clock. */
  readAt: number;
  until: number;
  /** Attempts added since. */
  added: Set<string>;
}

export class BudgetTotals {
  #kept: Kept | null = null;

  /** Null: count them. `time` is monotonic; the store's clock only tells which attempts are newer. */
  known({ limit }: NonNullable<LoadKeys['budget']>, time: number): BudgetCounts | null {
    const kept = this.#kept;
    if (kept === null || kept.limit !== limit || time >= kept.until) return null;
    return {
      refers: Math.min(limit, kept.counts.refers),
      transfers: Math.min(limit, kept.counts.transfers),
    };
  }

  counted(counts: BudgetCounts, limit: number, now: number, time: number, tookMs: number): void {
    if (counts.refers + counts.transfers <= EXACT_MAX) {
      this.#kept = null;
      return;
    }
    const keptMs = Math.min(KEPT_MS_MAX, Math.max(KEPT_MS_MIN, tookMs * KEPT_FOR_COSTS));
    this.#kept = {
      counts: { ...counts },
      limit,
      readAt: now,
      until: time + keptMs,
      added: new Set(),
    };
  }

  /** Something may have been committed or not: count anew. */
  forget(): void {
    this.#kept = null;
  }

  committed(units: CommitUnit[], results: CommitResult[]): void {
    const kept = this.#kept;
    if (kept === null) return;
    units.forEach(({ changes }, n) => {
      if (results[n] !== 'committed') return;
      for (const { call } of changes) {
        for (const attempt of call.attempts) {
          const { id, kind, startedAt } = attempt;
          if (!isCounted(attempt) || startedAt < kept.readAt || kept.added.has(id)) continue;
          kept.added.add(id);
          kept.counts[kind === 'refer' ? 'refers' : 'transfers'] += 1;
        }
      }
    });
  }
}
