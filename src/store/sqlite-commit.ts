/** Writes a batch in one transaction: per unit all of it, or nothing. */
import type { DatabaseSync } from 'node:sqlite';
import type { RecentRows, SeenRow } from './recent-rows.ts';
import {
  attemptMark,
  callColumns,
  commandRank,
  dueAt,
  keyOf,
  packEntry,
  sameColumns,
  TIMELINE_ENTRIES_MAX,
  tookMs,
} from './rows.ts';
import type {
  CallChange,
  Claim,
  ClaimedCommand,
  CommitResult,
  CommitUnit,
  Settlement,
} from './store.ts';
import { urgentFirst } from './urgent-first.ts';

export type SqliteCommit = (
  units: CommitUnit[],
  claim: Claim | null,
  now: number,
) => { results: CommitResult[]; claimed: ClaimedCommand[] };

/** A unit lost its race after something of it was written. */
const UNDO = Symbol('undo');

export function prepareCommit(
  database: DatabaseSync,
  recent: RecentRows,
  codeVersion: number,
): SqliteCommit {
  const begin = database.prepare('begin immediate');
  const end = database.prepare('commit');
  const insertCall = database.prepare(
    `insert into calls (key, version, code, entries, created_at, ended_at, due_at, phase, ends, rule,
       caller, callee, session, document)
     values (?, 1, ${codeVersion}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (key) do nothing`,
  );
  // An index is rewritten when its column stands in the SET list, changed or not: hence two of them.
  const always = `version = version + 1, code = ${codeVersion}, entries = entries + ?, due_at = ?,
    phase = ?, document = ?`;
  const updateCall = database.prepare(
    `update calls set ${always} where call = ? and version = ? and code <= ${codeVersion}
     returning entries`,
  );
  const updateWhole = database.prepare(
    `update calls set ${always}, ended_at = ?, ends = ?, rule = ?, caller = ?, callee = ?,
       session = ?, created_at = ?
     where key = ? and version = ? and code <= ${codeVersion} returning call, entries`,
  );
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

  return (units, claim, now) => {
    begin.run();
    try {
      let written = writeAll(units, claim, now, false);
      if (written === UNDO) {
        // A conflict found late: rare enough that only then each unit pays for a savepoint.
        database.exec('rollback; begin immediate');
        written = writeAll(units, claim, now, true);
      }
      if (written === UNDO)
        throw new Error('a unit was undone and reported a conflict all the same');
      end.run();
      return written;
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      throw error;
    }
  };

  function writeAll(
    units: CommitUnit[],
    claim: Claim | null,
    now: number,
    savepoints: boolean,
  ): ReturnType<SqliteCommit> | typeof UNDO {
    const results: CommitResult[] = [];
    const claimed: ClaimedCommand[] = [];
    const taken = new Set<string>();
    for (const unit of units) {
      const kept = claimed.length;
      if (savepoints) database.exec('savepoint unit');
      let result = writeUnit(unit, claim, now, claimed, taken);
      if (result === UNDO) {
        if (!savepoints) return UNDO;
        database.exec('rollback to unit');
        claimed.length = kept;
        result = 'conflict';
      }
      if (savepoints) database.exec('release unit');
      if (result === 'committed') {
        for (const change of unit.changes) taken.add(change.call.id);
      }
      results.push(result);
    }
    return { results, claimed: urgentFirst(claimed) };
  }

  function writeUnit(
    unit: CommitUnit,
    claim: Claim | null,
    now: number,
    claimed: ClaimedCommand[],
    taken: Set<string>,
  ): CommitResult | typeof UNDO {
    let written = false;
    for (const change of unit.changes) {
      const seen = recent.at(change.call.id, change.version);
      const place = taken.has(change.call.id) ? null : writeCall(change, seen);
      if (place === null) return written ? UNDO : 'conflict';
      written = true;
      if (!writeEvents(change, place)) return UNDO;
      writeAttempts(change, place.row, seen);
      for (const commandId of change.cancel) cancel(commandId, now);
      for (const settlement of change.settle) settle(settlement);
      writeCommands(change, place.row, claim, now, claimed);
    }
    return 'committed';
  }

  /** Null where the version was taken. */
  function writeCall(
    change: CallChange,
    seen: SeenRow | null,
  ): { row: number; entry: number } | null {
    const { call, version, events } = change;
    const columns = callColumns(call);
    const document = JSON.stringify(call);
    const { createdAt, endedAt, ends, rule, caller, callee, session } = columns;
    if (version === 0) {
      const inserted = insertCall.run(
        keyOf(call.id),
        events.length,
        createdAt,
        endedAt,
        dueAt(call),
        call.phase,
        ends,
        rule,
        caller,
        callee,
        session,
        document,
      );
      return inserted.changes === 0 ? null : { row: Number(inserted.lastInsertRowid), entry: 0 };
    }
    if (seen !== null && sameColumns(seen.columns, columns)) {
      const row = updateCall.get(
        events.length,
        dueAt(call),
        call.phase,
        document,
        seen.row,
        version,
      );
      if (!row) return null;
      return { row: seen.row, entry: Number(row.entries) - events.length };
    }
    const row = updateWhole.get(
      events.length,
      dueAt(call),
      call.phase,
      document,
      endedAt,
      ends,
      rule,
      caller,
      callee,
      session,
      createdAt,
      keyOf(call.id),
      version,
    );
    if (!row) return null;
    return { row: Number(row.call), entry: Number(row.entries) - events.length };
  }

  function writeEvents(change: CallChange, place: { row: number; entry: number }): boolean {
    let entry = place.entry;
    for (const event of change.events) {
      const document = entry < TIMELINE_ENTRIES_MAX ? packEntry(event) : null;
      const inserted = insertEvent.run(place.row, keyOf(event.key), entry, document);
      if (inserted.changes === 0) return false;
      entry += 1;
    }
    return true;
  }

  function writeAttempts(change: CallChange, row: number, seen: SeenRow | null): void {
    for (const attempt of change.call.attempts) {
      if (seen?.attempts.has(attemptMark(attempt))) continue;
      writeAttempt.run(
        row,
        keyOf(attempt.id),
        attempt.kind,
        attempt.target,
        attempt.verdict,
        change.call.facts.from,
        Math.round(change.call.createdAt),
        Math.round(attempt.startedAt),
        attempt.unsent ? 1 : 0,
        tookMs(attempt),
      );
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
