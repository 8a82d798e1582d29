/**
 * Writes a batch with one statement, in one round trip. What hangs on a call (events, attempts,
 * commands) is written from the rows that won, so that nothing is ever kept of a call that lost its
 * race, be it against an update or against another first insert.
 */
import { CommitUnknown } from '../../errors.ts';
import type { RecentRows } from '../rows/recent-rows.ts';
import { TIMELINE_ENTRIES_MAX, urgentFirst } from '../rows/rows.ts';
import type { Claim, ClaimedCommand, CommitResult, Committed, CommitUnit } from '../store.ts';
import { type CommitRows, claimedFrom, commitRows } from './commit-rows.ts';
import {
  explain,
  isAnswer,
  NotConnected,
  type PostgresPool,
  type Query,
  sqlState,
} from './pool.ts';
import { arrayOf, clean, plainKey } from './values.ts';

/** A unit of several calls takes three round trips; the pool has connections for others too. */
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
  let done = 0;
  if (together.length > 0) await writeTogether();
  if (alone.length > 0) await writeAlone();
  const taken = counted.length === 0 ? {} : { counted };
  return { results, claimed: urgentFirst(claimed), ...taken };

  async function writeTogether(): Promise<void> {
    const rows = commitRows(
      together.map((n) => units[n]?.changes[0]).filter((c) => c !== undefined),
      recent,
    );
    const written = await tried(() => write(pool.query, rows));
    if (written === 'taken' && together.length > 1) {
      // An event key was taken, or a row is held for long, which fails the statement as a whole: each
      // by itself tells whose, and the others are not kept waiting.
      alone.push(...together);
    } else if (typeof written === 'object') {
      for (const n of written.won) keep(together[n] ?? -1);
      claimed.push(...written.claimed);
      counted.push(...written.counted);
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
            const written = await tried(() => writeWhole(rows));
            if (typeof written === 'object') {
              keep(n);
              claimed.push(...written.claimed);
              counted.push(...written.counted);
            }
          } catch (error) {
            failure ??= error;
          }
          if (failure !== null) return;
        }
      }),
    );
    // What is committed must be told; the engine tries the rest again and hears of the trouble then.
    if (failure !== null && done === 0) throw failure;
  }

  function keep(n: number): void {
    results[n] = 'committed';
    done += 1;
  }

  /** All calls of a unit win, or none is kept. */
  function writeWhole(rows: CommitRows): Promise<Written | null> {
    if (rows.changes.key.length === 1) {
      return write(pool.query, rows).then((written) => (written.won.length === 1 ? written : null));
    }
    return pool
      .transaction(async (query) => {
        const written = await write(query, rows);
        if (written.won.length < rows.changes.key.length) throw new LostRace();
        return written;
      })
      .catch((error: unknown) => {
        if (error instanceof LostRace) return null;
        throw error;
      });
  }

  async function write(query: Query, rows: CommitRows): Promise<Written> {
    const [row] = await query(COMMIT, commitValues(rows, claim, codeVersion));
    const won = (row?.won ?? []) as number[];
    const taken = new Set((row?.counted ?? []) as string[]);
    const stored = new Set(((row?.stored ?? []) as string[]).map(plainKey));
    return {
      won,
      counted: rows.final.filter((item) => taken.has(clean(item))),
      claimed: claim === null ? [] : claimedFrom(rows, stored, claim, Number(row?.at)),
    };
  }

  /** Races lost, deadlocks and waits that were too long are the engine's to try again. */
  async function tried(work: () => Promise<Written | null>): Promise<Written | 'lost' | 'taken'> {
    try {
      return (await work()) ?? 'lost';
    } catch (error) {
      if (error instanceof NotConnected) throw error;
      if (!isAnswer(error)) {
        throw new CommitUnknown(
          `${pool.where}: the connection ended before the result of a commit came (${(error as Error).message})`,
          { cause: error },
        );
      }
      const state = sqlState(error) ?? '';
      if (/^23505|^55P03/.test(state)) return 'taken';
      if (/^40001|^40P01/.test(state)) return 'lost';
      throw explain(error, pool.where);
    }
  }
}

class LostRace extends Error {}

interface Written {
  /** Numbers of the changes that were kept. */
  won: number[];
  claimed: ClaimedCommand[];
  counted: string[];
}

/** Units of one call go together; a call's second unit is a conflict already. */
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

/** migrations/postgres/0001-first.sql */
const COMMIT = `select * from referee_commit_1(${Array.from({ length: 26 }, (_, i) => `$${i + 1}`).join()})`;

function commitValues(rows: CommitRows, claim: Claim | null, codeVersion: number): unknown[] {
  const { changes, events, done, commands } = rows;
  return [
    codeVersion,
    TIMELINE_ENTRIES_MAX,
    claim?.owner ?? null,
    claim?.leaseMs ?? null,
    arrayOf(changes.key),
    arrayOf(changes.version),
    arrayOf(changes.entries),
    arrayOf(changes.dueAt),
    arrayOf(changes.phase),
    changes.document.join(BETWEEN_DOCUMENTS),
    arrayOf(events.n),
    arrayOf(events.key),
    arrayOf(events.entry),
    events.document.join(BETWEEN_DOCUMENTS),
    arrayOf(done.n),
    arrayOf(done.key),
    arrayOf(commands.n),
    arrayOf(commands.key),
    arrayOf(commands.rank),
    commands.document.join(BETWEEN_DOCUMENTS),
    JSON.stringify(rows.filters),
    JSON.stringify(rows.attempts),
    JSON.stringify(rows.retries),
    JSON.stringify(rows.cancels),
    JSON.stringify(rows.uncounted),
    JSON.stringify(rows.counted),
  ];
}

/** JSON never holds it unescaped. */
const BETWEEN_DOCUMENTS = '\x1f';
