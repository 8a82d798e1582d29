/** Writes a batch in one transaction: per unit all of it, or nothing. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isCounted } from '../../core/machine/attempt.ts';
import { packCall } from '../rows/call-document.ts';
import { changedAttempts, type RecentRow, type RecentRows } from '../rows/recent-rows.ts';
import {
  type CallColumns,
  callColumns,
  commandRank,
  keyOf,
  packEntry,
  TIMELINE_ENTRIES_MAX,
  tookMs,
  urgentFirst,
} from '../rows/rows.ts';
import type {
  CallChange,
  Claim,
  ClaimedCommand,
  CommitResult,
  Committed,
  CommitUnit,
  Settlement,
} from '../store.ts';

export type SqliteCommit = (units: CommitUnit[], claim: Claim | null, now: number) => Committed;

interface Written extends ReturnType<SqliteCommit> {
  places: Map<CallChange, Place>;
}

/** Where a change went: the call's row, the number of its first event, what was stored. */
interface Place {
  row: number;
  entry: number;
  document: string;
}

/** A unit lost its race after something of it was written. */
const UNDO = Symbol('undo');

export function prepareCommit(
  database: DatabaseSync,
  recent: RecentRows,
  clearIfOthersWrote: () => void,
  codeVersion: number,
): SqliteCommit {
  const begin = database.prepare('begin immediate');
  const end = database.prepare('commit');
  const insertCall = database.prepare(
    `insert into calls (key, version, code, entries, document, ${COLUMNS.map(([name]) => name).join(', ')})
     values (?, 1, ${codeVersion}, ?, ?, ${COLUMNS.map(() => '?').join(', ')})
     on conflict (key) do nothing`,
  );
  const find = database.prepare('select call from calls where key = ?');
  // An index is rewritten when its column stands in the SET list, changed or not: hence one statement
  // for each set of columns that change together, a handful in all.
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
  const writeAttempt = database.prepare(
    `insert into attempts (call, key, kind, target, verdict, caller, created_at, started_at, unsent,
       took_ms)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (call, key) do update set kind = excluded.kind, target = excluded.target,
       verdict = excluded.verdict, caller = excluded.caller, started_at = excluded.started_at,
       unsent = excluded.unsent, took_ms = excluded.took_ms`,
  );
  const insertCommand = database.prepare(
    `insert into commands (key, call, code, rank, ready_at, owner, first_sent_at, tries, cancelled,
       created_at, document)
     values (?, ?, ${codeVersion}, ?, ?, ?, ?, ?, 0, ?, ?) on conflict (key) do nothing`,
  );
  // One that waits for its first or next try goes; one in the air is only never tried again.
  const cancelWaiting = database.prepare(
    'delete from commands where key = ? and (owner is null or ready_at <= ?)',
  );
  const cancelInTheAir = database.prepare('update commands set cancelled = 1 where key = ?');
  const settleDone = database.prepare('delete from commands where key = ?');
  const settleCancelled = database.prepare('delete from commands where key = ? and cancelled = 1');
  const settleRetry = database.prepare(
    `update commands set ready_at = ?, owner = null,
       first_sent_at = case when ? then null else first_sent_at end where key = ?`,
  );

  const awaitCount = database.prepare(
    'insert into uncounted (call, item, due_at) values (?, ?, ?) on conflict do nothing',
  );
  const takeCount = database.prepare('delete from uncounted where call = ? and item = ?');

  return (units, claim, now) => {
    begin.run();
    try {
      clearIfOthersWrote();
      let written = writeAll(units, claim, now, false);
      if (written === UNDO) {
        // A conflict found late: rare enough that only then each unit pays for a savepoint.
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
    const some = counted.length === 0 ? {} : { counted };
    return { results, claimed: urgentFirst(claimed), places, ...some };
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
      const place = taken.has(change.call.id) ? null : writeCall(change, before);
      if (place === null) return written ? UNDO : 'conflict';
      written = true;
      if (!writeEvents(change, place)) return UNDO;
      places.set(change, place);
      writeAttempts(change, place.row, before);
      for (const commandId of change.cancel) cancel(commandId, now);
      for (const settlement of change.settle) settle(settlement);
      writeCommands(change, place.row, claim, now, claimed);
      writeTally(change, place.row, counted);
    }
    return 'committed';
  }

  /** Null where the version was taken. */
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

  function writeAttempts(change: CallChange, row: number, before: RecentRow | null): void {
    for (const attempt of changedAttempts(before, change.call)) {
      writeAttempt.run(
        row,
        keyOf(attempt.id),
        attempt.kind,
        attempt.target,
        attempt.verdict,
        change.call.facts.from,
        Math.round(change.call.createdAt),
        Math.round(attempt.startedAt),
        isCounted(attempt) ? 0 : 1,
        tookMs(attempt),
      );
    }
  }

  function writeTally({ tally }: CallChange, row: number, counted: string[]): void {
    if (tally === undefined) return;
    for (const [item, entry] of tally) {
      if (entry !== 'final') awaitCount.run(row, item, Math.round(entry.waits));
      else if (takeCount.run(row, item).changes > 0) counted.push(item);
    }
  }

  function cancel(commandId: string, now: number): void {
    const key = keyOf(commandId);
    if (cancelWaiting.run(key, now).changes === 0) cancelInTheAir.run(key);
  }

  function settle({ commandId, outcome, retryAt }: Settlement): void {
    const key = keyOf(commandId);
    if (retryAt === null) {
      settleDone.run(key);
    } else if (settleCancelled.run(key).changes === 0) {
      const unsent = outcome.kind === 'retry' && outcome.provenUnsent;
      settleRetry.run(Math.round(retryAt), unsent ? 1 : 0, key);
    }
  }

  function writeCommands(
    change: CallChange,
    row: number,
    claim: Claim | null,
    now: number,
    claimed: ClaimedCommand[],
  ): void {
    for (const command of change.commands) {
      const leaseUntil = claim === null ? now : now + claim.leaseMs;
      const inserted = insertCommand.run(
        keyOf(command.id),
        row,
        commandRank(command),
        leaseUntil,
        claim?.owner ?? null,
        claim === null ? null : now,
        claim === null ? 0 : 1,
        now,
        JSON.stringify(command),
      );
      if (claim !== null && inserted.changes > 0) {
        claimed.push({ command, tries: 1, firstSentAt: now, leaseUntil, now, createdAt: now });
      }
    }
  }
}

/** Columns of `calls` by their names in the document's summary. */
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
] as const satisfies readonly (readonly [string, keyof CallColumns])[];
