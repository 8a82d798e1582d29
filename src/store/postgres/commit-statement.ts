/**
 * The statement that writes calls with everything that belongs to them, and how to read its result.
 */

import { clean } from '../../core/clean-text.ts';
import { CommitUnknown } from '../../errors.ts';
import type { Claim, ClaimedCommand } from '../contract/outbox.ts';
import { TIMELINE_ENTRIES_MAX } from '../rows/timeline-entry.ts';
import { type CommitRows, claimedFrom } from './commit-rows.ts';
import { explain, isAnswer, NotConnected, sqlState } from './pg-errors.ts';
import type { PostgresPool, Query } from './pool.ts';
import { arrayOf, plainKey } from './values.ts';

export interface Written {
  /** Numbers of the changes that were stored. */
  won: number[];
  claimed: ClaimedCommand[];
  counted: string[];
}

/**
 * `lost`: another writer was first. `taken`: an event key existed, or a row was locked for too
 * long.
 */
export type WriteResult = Written | 'lost' | 'taken';

/** Each change is stored or loses its race independently. */
export function writeEach(
  pool: PostgresPool,
  rows: CommitRows,
  claim: Claim | null,
  codeVersion: number,
): Promise<WriteResult> {
  return classify(pool.where, () => write(pool.query, rows, claim, codeVersion));
}

/** All changes are stored, or none. */
export function writeWhole(
  pool: PostgresPool,
  rows: CommitRows,
  claim: Claim | null,
  codeVersion: number,
): Promise<WriteResult> {
  const all = async (query: Query) => {
    const written = await write(query, rows, claim, codeVersion);
    if (written.won.length < rows.changes.key.length) throw new LostRace();
    return written;
  };
  // A single statement needs no transaction around it.
  const isOne = rows.changes.key.length === 1;
  return classify(pool.where, () => (isOne ? all(pool.query) : pool.transaction(all)));
}

class LostRace extends Error {}

async function write(
  query: Query,
  rows: CommitRows,
  claim: Claim | null,
  codeVersion: number,
): Promise<Written> {
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

/** Lost races, deadlocks and long locks are results, not errors: the engine tries them again. */
async function classify(where: string, work: () => Promise<Written>): Promise<WriteResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LostRace) return 'lost';
    if (error instanceof NotConnected) throw error;
    if (!isAnswer(error)) {
      throw new CommitUnknown(
        `${where}: the connection ended before the result of a commit came (${(error as Error).message})`,
        { cause: error },
      );
    }
    const state = sqlState(error) ?? '';
    if (/^23505|^55P03/.test(state)) return 'taken';
    if (/^40001|^40P01/.test(state)) return 'lost';
    throw explain(error, where);
  }
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

/** JSON never contains it unescaped. */
const BETWEEN_DOCUMENTS = '\x1f';
