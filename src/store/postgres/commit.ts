/**
 * Writes a batch with one statement, in one round trip. What belongs to a call (events, attempts,
 * commands) is written from the rows that won, so nothing is stored for a call that lost its race,
 * be it against an update or against another first insert.
 */

import type { CommitResult, Committed, CommitUnit } from '../contract/calls.ts';
import type { Claim, ClaimedCommand } from '../contract/outbox.ts';
import { urgentFirst } from '../rows/outbox-command.ts';
import type { RecentRows } from '../rows/recent-rows.ts';
import { commitRows } from './commit-rows.ts';
import { type Written, writeEach, writeWhole } from './commit-statement.ts';
import type { PostgresPool } from './pool.ts';

/**
 * A unit of several calls takes three round trips, and the pool needs connections for others too.
 */
const WRITTEN_ALONE_AT_ONCE = 5;

export async function commitUnits(
  pool: PostgresPool,
  units: CommitUnit[],
  claim: Claim | null,
  recent: RecentRows,
  codeVersion: number,
): Promise<Committed> {
  const { together, alone } = divide(units);
  const results: CommitResult[] = units.map(() => 'conflict');
  const claimed: ClaimedCommand[] = [];
  const counted: string[] = [];
  if (together.length > 0) await writeTogether();
  if (alone.length > 0) await writeAlone();
  return { results, claimed: urgentFirst(claimed), counted };

  async function writeTogether(): Promise<void> {
    const changes = together.flatMap((n) => units[n]?.changes[0] ?? []);
    const written = await writeEach(pool, commitRows(changes, recent), claim, codeVersion);
    if (written === 'taken' && together.length > 1) {
      // One unit made the whole statement fail. Written separately, it fails alone and the others
      // are stored.
      alone.push(...together);
    } else if (typeof written === 'object') {
      keep(
        written.won.map((n) => together[n] ?? -1),
        written,
      );
    }
  }

  async function writeAlone(): Promise<void> {
    const left = alone.values();
    let failure: unknown = null;
    await Promise.all(
      Array.from({ length: WRITTEN_ALONE_AT_ONCE }, async () => {
        for (const n of left) {
          try {
            const rows = commitRows(units[n]?.changes ?? [], recent);
            const written = await writeWhole(pool, rows, claim, codeVersion);
            if (typeof written === 'object') keep([n], written);
          } catch (error) {
            failure ??= error;
          }
          if (failure !== null) return;
        }
      }),
    );
    // If anything was committed, the engine must learn of it. It tries the rest again, and then
    // gets the failure.
    if (failure !== null && !results.includes('committed')) throw failure;
  }

  function keep(numbers: number[], written: Written): void {
    for (const n of numbers) results[n] = 'committed';
    claimed.push(...written.claimed);
    counted.push(...written.counted);
  }
}

/** Units of a single call are written together. A second unit of the same call is a conflict. */
function divide(units: CommitUnit[]): { together: number[]; alone: number[] } {
  const taken = new Set<string>();
  const together: number[] = [];
  const alone: number[] = [];
  units.forEach(({ changes }, n) => {
    if (changes.some(({ call }) => taken.has(call.id))) return;
    for (const { call } of changes) taken.add(call.id);
    (changes.length === 1 ? together : alone).push(n);
  });
  return { together, alone };
}
