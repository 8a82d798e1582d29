/** Commands waiting to be sent to Telnyx. */
import { iso } from '../../../core/iso-time.ts';
import type { Command } from '../../../core/machine/command.ts';
import type { OutboxCommand } from '../../../store/contract/outbox.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { VIEWER } from '../../people/roles.ts';
import type { ApiScope } from '../api.ts';
import { jsonOrCsv } from '../csv.ts';
import { OUTBOX_SCHEMA, outboxCsv } from './outbox-schemas.ts';

export interface OutboxDeps {
  store: Pick<Store, 'outbox' | 'outboxCommands'>;
}

export function registerOutbox(app: ApiScope, { store }: OutboxDeps): void {
  app.get('/v1/outbox', { schema: OUTBOX_SCHEMA, config: VIEWER }, async (request, reply) => {
    const { limit = HTTP_LIMITS.callsPageDefault } = request.query;
    const [{ pending, oldestMs }, commands] = await Promise.all([
      store.outbox(),
      store.outboxCommands(limit),
    ]);
    const waiting = {
      pending,
      oldest_ms: Math.round(oldestMs),
      commands: commands.map(commandJson),
    };
    return jsonOrCsv(request, reply, waiting, outboxCsv);
  });
}

function commandJson(waiting: OutboxCommand) {
  const { command, tries, createdAt, firstSentAt, readyAt, owner, answer, from, to } = waiting;
  const { giveUpAt } = command;
  return {
    id: command.id,
    call_control_id: command.callId,
    from,
    to,
    leg: command.legId,
    action: command.action,
    destination: destinationOf(command),
    attempt: command.attemptId,
    tries,
    last_answer: answer,
    give_up_at: iso(giveUpAt),
    created_at: iso(createdAt),
    first_sent_at: iso(firstSentAt),
    ready_at: iso(readyAt),
    in_flight: owner !== null,
  };
}

/** Where the caller is to be moved, or what a prompt asks. */
function destinationOf(command: Command): string | null {
  switch (command.action) {
    case 'refer':
      return command.sipAddress;
    case 'transfer':
      return command.to;
    case 'lookup':
      return command.name;
    default:
      return null;
  }
}
