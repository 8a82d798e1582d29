/** Writes the outbox for a commit: commands that are new, cancelled or settled. */
import type { DatabaseSync } from 'node:sqlite';
import type { CallChange, Settlement } from '../contract/calls.ts';
import type { Claim, ClaimedCommand } from '../contract/outbox.ts';
import { keyOf } from '../rows/key.ts';
import { answerText, commandRank } from '../rows/outbox-command.ts';

export interface CommandRows {
  /** Adds the commands that are stored as claimed to `claimed`. */
  writeCommands(
    change: CallChange,
    row: number,
    claim: Claim | null,
    now: number,
    claimed: ClaimedCommand[],
  ): void;
  cancel(commandId: string, now: number): void;
  settle(settlement: Settlement): void;
}

export function prepareCommandRows(database: DatabaseSync, codeVersion: number): CommandRows {
  const insertCommand = database.prepare(
    `insert into commands (key, call, code, rank, ready_at, owner, first_sent_at, tries, cancelled,
       created_at, document)
     values (?, ?, ${codeVersion}, ?, ?, ?, ?, ?, 0, ?, ?) on conflict (key) do nothing`,
  );
  // A command that waits for its first or next try is removed; one in flight is only never tried
  // again.
  const cancelWaiting = database.prepare(
    'delete from commands where key = ? and (owner is null or ready_at <= ?)',
  );
  const cancelInFlight = database.prepare('update commands set cancelled = 1 where key = ?');
  const settleDone = database.prepare('delete from commands where key = ?');
  const settleCancelled = database.prepare('delete from commands where key = ? and cancelled = 1');
  const settleRetry = database.prepare(
    `update commands set ready_at = ?, owner = null, answer = ?,
       first_sent_at = case when ? then null else first_sent_at end where key = ? and owner = ?`,
  );

  return { writeCommands, cancel, settle };

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

  function cancel(commandId: string, now: number): void {
    const key = keyOf(commandId);
    if (cancelWaiting.run(key, now).changes === 0) cancelInFlight.run(key);
  }

  function settle({ commandId, owner, outcome, retryAt }: Settlement): void {
    const key = keyOf(commandId);
    if (retryAt === null) {
      settleDone.run(key);
    } else if (settleCancelled.run(key).changes === 0) {
      const unsent = outcome.kind === 'retry' && outcome.provenUnsent;
      settleRetry.run(Math.round(retryAt), answerText(outcome), unsent ? 1 : 0, key, owner);
    }
  }
}
