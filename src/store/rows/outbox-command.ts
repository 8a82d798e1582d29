/** A command that waits in the outbox, to its row and from it, the same for every store. */
import type { Command, Outcome } from '../../core/machine/command.ts';
import type { ClaimedCommand, OutboxCommand } from '../contract/outbox.ts';

/** The text may come from another server, so it is cut. */
const DETAIL_MAX = 500;

/** The result of the last try, as stored with a command that will be tried again. */
export function answerText(outcome: Outcome): string | null {
  if (outcome.kind !== 'retry') return null;
  const { status, detail } = outcome;
  // Cut first, because that may leave half a surrogate pair.
  return JSON.stringify({ status, detail: detail.slice(0, DETAIL_MAX).toWellFormed() });
}

export function commandOf(row: Record<string, unknown>): OutboxCommand {
  return {
    command: JSON.parse(String(row.document)) as Command,
    tries: Number(row.tries),
    createdAt: Number(row.created_at),
    firstSentAt: row.first_sent_at === null ? null : Number(row.first_sent_at),
    readyAt: Number(row.ready_at),
    owner: row.owner === null ? null : String(row.owner),
    answer: row.answer === null ? null : JSON.parse(String(row.answer)),
    from: textOrNull(row.caller),
    to: textOrNull(row.callee),
  };
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : String(value);
}

/** Hangup and reject go first: they free the caller. */
export function commandRank(command: Command): 0 | 1 {
  return command.action === 'hangup' || command.action === 'reject' ? 0 : 1;
}

/**
 * Hangup and reject go first; within a rank, commands keep the order in which they were stored (the
 * sort is stable).
 */
export function urgentFirst(claimed: ClaimedCommand[]): ClaimedCommand[] {
  return claimed.sort((a, b) => commandRank(a.command) - commandRank(b.command));
}
