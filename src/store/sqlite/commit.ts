/** Writes a batch in one transaction; each unit is written completely or not at all. */
import type { DatabaseSync } from 'node:sqlite';
import type { CallChange, CommitResult, Committed, CommitUnit } from '../contract/calls.ts';
import type { Claim, ClaimedCommand } from '../contract/outbox.ts';
import { urgentFirst } from '../rows/outbox-command.ts';
import type { RecentRows } from '../rows/recent-rows.ts';
import { prepareAttemptRows } from './attempt-rows.ts';
import { type Place, prepareCallRows } from './call-rows.ts';
import { prepareCommandRows } from './command-rows.ts';

export type SqliteCommit = (units: CommitUnit[], claim: Claim | null, now: number) => Committed;

interface Written extends ReturnType<SqliteCommit> {
  places: Map<CallChange, Place>;
}

/** A unit lost its race after part of it was written. */
const UNDO = Symbol('undo');

export function prepareCommit(
  database: DatabaseSync,
  recent: RecentRows,
  clearIfOthersWrote: () => void,
  codeVersion: number,
): SqliteCommit {
  const begin = database.prepare('begin immediate');
  const end = database.prepare('commit');
  const calls = prepareCallRows(database, codeVersion);
  const attempts = prepareAttemptRows(database);
  const commands = prepareCommandRows(database, codeVersion);

  return (units, claim, now) => {
    begin.run();
    try {
      clearIfOthersWrote();
      let written = writeAll(units, claim, now, false);
      if (written === UNDO) {
        // A conflict was found late, which is rare: only then does each unit pay for a savepoint.
        database.exec('rollback; begin immediate');
        clearIfOthersWrote();
        written = writeAll(units, claim, now, true);
      }
      if (written === UNDO)
        throw new Error('a unit was undone and reported a conflict all the same');
      end.run();
      remember(units, written);
      const { places: _, ...committed } = written;
      return committed;
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      throw error;
    }
  };

  function remember(units: CommitUnit[], { results, places }: Written): void {
    units.forEach(({ changes }, n) => {
      for (const change of changes) {
        const place = results[n] === 'committed' ? places.get(change) : undefined;
        if (place === undefined) recent.forget(change.call.id);
        else recent.committed(change, place.row, place.document);
      }
    });
  }

  function writeAll(
    units: CommitUnit[],
    claim: Claim | null,
    now: number,
    savepoints: boolean,
  ): Written | typeof UNDO {
    const results: CommitResult[] = [];
    const claimed: ClaimedCommand[] = [];
    const counted: string[] = [];
    const taken = new Set<string>();
    const places = new Map<CallChange, Place>();
    for (const unit of units) {
      const kept = claimed.length;
      const countedBefore = counted.length;
      if (savepoints) database.exec('savepoint unit');
      let result = writeUnit(unit, claim, now, { claimed, counted }, taken, places);
      if (result === UNDO) {
        if (!savepoints) return UNDO;
        database.exec('rollback to unit');
        claimed.length = kept;
        counted.length = countedBefore;
        result = 'conflict';
      }
      if (savepoints) database.exec('release unit');
      if (result === 'committed') {
        for (const change of unit.changes) taken.add(change.call.id);
      }
      results.push(result);
    }
    return { results, claimed: urgentFirst(claimed), counted, places };
  }

  function writeUnit(
    unit: CommitUnit,
    claim: Claim | null,
    now: number,
    { claimed, counted }: { claimed: ClaimedCommand[]; counted: string[] },
    taken: Set<string>,
    places: Map<CallChange, Place>,
  ): CommitResult | typeof UNDO {
    let written = false;
    for (const change of unit.changes) {
      const before = recent.at(change.call.id, change.version);
      const place = taken.has(change.call.id) ? null : calls.writeCall(change, before);
      if (place === null) return written ? UNDO : 'conflict';
      written = true;
      if (!calls.writeEvents(change, place)) return UNDO;
      places.set(change, place);
      attempts.writeAttempts(change, place.row, before);
      for (const commandId of change.cancel) commands.cancel(commandId, now);
      for (const settlement of change.settle) commands.settle(settlement);
      commands.writeCommands(change, place.row, claim, now, claimed);
      attempts.writeTally(change, place.row, counted);
    }
    return 'committed';
  }
}
