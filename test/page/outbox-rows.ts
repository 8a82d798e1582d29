/** Adds waiting commands and dead letters to the store of a running service. */
import { DatabaseSync } from 'node:sqlite';
import type { Command } from '../../src/core/machine/command.ts';
import type { OperatorEvent } from '../../src/core/machine/event.ts';
import { CODE_VERSION } from '../../src/store/migrate.ts';
import { keyOf } from '../../src/store/rows/key.ts';
import { aCommand } from '../helpers/documents.ts';

const HOUR_MS = 3_600_000;

let runs = 0;

/** Two commands of a call, neither due within the hour, and two dead letters. */
export function fillOutbox(databasePath: string, callId: string, error: string): void {
  const database = new DatabaseSync(databasePath);
  database.exec('pragma busy_timeout = 10000');
  const { call } = database.prepare('select call from calls where key = ?').get(keyOf(callId)) as {
    call: number;
  };
  const now = Date.now();
  const insert = database.prepare(
    `insert into commands (key, call, code, rank, ready_at, owner, first_sent_at, tries, cancelled,
       created_at, answer, document) values (?, ?, ?, 1, ?, null, ?, ?, 0, ?, ?, ?)`,
  );
  const put = (command: Command, tries: number, answer: object | null): void => {
    const text = answer === null ? null : JSON.stringify(answer);
    const sentAt = tries === 0 ? null : now - 9_000;
    const document = JSON.stringify(command);
    insert.run(
      keyOf(command.id),
      call,
      CODE_VERSION,
      now + HOUR_MS,
      sentAt,
      tries,
      now - 12_000,
      text,
      document,
    );
  };
  runs += 1;
  const move: Command = {
    ...aCommand(`waiting-move-${runs}`, callId),
    action: 'refer',
    sipAddress: 'sip:support@pbx-us.example.com',
    userToUser: null,
    headers: [],
    auth: null,
  };
  put(move, 3, { status: 503, detail: 'Telnyx is busy, and says so at length' });
  put(aCommand(`waiting-probe-${runs}`, callId, 'probe'), 0, null);
  for (const n of [1, 2]) {
    const event: OperatorEvent = {
      source: 'operator',
      id: `operator:letter-${runs}-${n}`,
      callId,
      type: 'operator.hangup',
      receivedAt: now,
      occurredAt: null,
      by: null,
      reason: null,
    };
    database
      .prepare('insert into dead_letters (at, event, error) values (?, ?, ?)')
      .run(now - n * HOUR_MS, JSON.stringify(event), error);
  }
  database.close();
}
