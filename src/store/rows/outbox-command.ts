/** Reads a command of the outbox from its row, the same for every store. */
import type { Command } from '../../core/machine/command.ts';
import type { OutboxCommand } from '../contract/outbox.ts';

export function commandOf(row: Record<string, unknown>): OutboxCommand {
  return {
    command: JSON.parse(String(row.document)) as Command,
    tries: Number(row.tries),
    createdAt: Number(row.created_at),
    firstSentAt: row.first_sent_at === null ? null : Number(row.first_sent_at),
    readyAt: Number(row.ready_at),
    owner: row.owner === null ? null : String(row.owner),
  };
}
