/** Commands to be sent, and deadlines that are due. */
import type { DatabaseSync } from 'node:sqlite';
import type { Command } from '../../core/machine/command.ts';
import type { DueDeadline } from '../contract/calls.ts';
import type { Claim, ClaimedCommand, OutboxCommand, OutboxHealth } from '../contract/outbox.ts';
import { unpackCall } from '../rows/call-document.ts';
import { dueOf } from '../rows/due-deadlines.ts';
import { keyOf } from '../rows/key.ts';
import { commandOf } from '../rows/outbox-command.ts';
import { inTransaction } from './transaction.ts';

export interface SqliteOutbox {
  claim(claim: Claim, limit: number, now: number): ClaimedCommand[];
  stillToSend(owner: string, commandIds: string[]): Set<string>;
  releaseLeases(owner: string | null, now: number): void;
  due(limit: number, now: number): DueDeadline[];
  health(now: number): OutboxHealth;
  list(limit: number): OutboxCommand[];
  /** No command may be sent any more, and no call has a deadline. */
  isIdle(): boolean;
}

type Row = {
  command: number;
  tries: number;
  first_sent_at: number | null;
  created_at: number;
  document: string;
};

export function prepareOutbox(database: DatabaseSync, codeVersion: number): SqliteOutbox {
  const next = database.prepare(
    `select command, tries, first_sent_at, created_at, document from commands
     where cancelled = 0 and ready_at <= ? and code <= ${codeVersion}
     order by rank, command limit ?`,
  );
  const lease = database.prepare(
    `update commands set owner = ?, ready_at = ?, tries = tries + 1,
       first_sent_at = coalesce(first_sent_at, ?) where command = ?`,
  );
  // The process that was sending a cancelled command is gone, and no other may send it.
  const dropCancelled = database.prepare(
    'delete from commands where cancelled = 1 and owner = coalesce(?, owner)',
  );
  const ours = database.prepare(
    'select 1 from commands where key = ? and owner = ? and cancelled = 0',
  );
  const release = database.prepare(
    'update commands set owner = null, ready_at = ? where owner = coalesce(?, owner)',
  );
  const dueCalls = database.prepare(
    `select document from calls where due_at <= ? and code <= ${codeVersion} order by due_at limit ?`,
  );
  const pending = database.prepare(
    'select count(*) as pending, min(created_at) as oldest from commands where cancelled = 0',
  );
  const oldest = database.prepare(
    `select k.*, caller, callee from commands k left join calls using (call)
     where cancelled = 0 order by command limit ?`,
  );
  const anything = database.prepare(
    `select 1 where exists (select 1 from commands where cancelled = 0)
       or exists (select 1 from calls where due_at > 0 and code <= ${codeVersion})`,
  );

  return {
    isIdle: () => anything.get() === undefined,

    claim(claim, limit, now) {
      // Checked without the write lock first: mostly there is nothing to do.
      if (next.all(now, 1).length === 0) return [];
      return inTransaction(database, () => {
        const rows = next.all(now, limit) as Row[];
        const leaseUntil = now + claim.leaseMs;
        for (const row of rows) lease.run(claim.owner, leaseUntil, now, row.command);
        return rows.map((row) => ({
          command: JSON.parse(row.document) as Command,
          tries: row.tries + 1,
          firstSentAt: row.first_sent_at ?? now,
          leaseUntil,
          now,
          createdAt: row.created_at,
        }));
      });
    },

    stillToSend: (owner, commandIds) =>
      new Set(commandIds.filter((id) => ours.get(keyOf(id), owner) !== undefined)),

    releaseLeases(owner, now) {
      dropCancelled.run(owner);
      release.run(now, owner);
    },

    due(limit, now) {
      const calls = dueCalls.all(now, limit) as { document: string }[];
      const due = dueOf(
        calls.map(({ document }) => unpackCall(document)),
        now,
      );
      return due.slice(0, limit);
    },

    health(now) {
      const row = pending.get() as { pending: number; oldest: number | null };
      return {
        pending: row.pending,
        oldestMs: row.oldest === null ? 0 : Math.max(0, now - row.oldest),
      };
    },

    list: (limit) => (oldest.all(limit) as Record<string, unknown>[]).map(commandOf),
  };
}
