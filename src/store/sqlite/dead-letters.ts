/** Events that could not be processed. */
import type { DatabaseSync } from 'node:sqlite';
import { clean } from '../../core/clean-text.ts';
import type { DeadLetter } from '../contract/dead-letters.ts';
import { DEAD_LETTERS_MAX, letterOf } from '../rows/dead-letter.ts';
import { keyOf } from '../rows/key.ts';
import { inTransaction } from './transaction.ts';

export interface SqliteDeadLetters {
  add(event: unknown, error: string, command: string | null, now: number): void;
  list(limit: number, before: number | null): DeadLetter[];
  find(id: number): DeadLetter | null;
  drop(id: number): boolean;
}

type Row = Record<string, unknown>;

export function prepareDeadLetters(database: DatabaseSync): SqliteDeadLetters {
  const add = database.prepare('insert into dead_letters (at, event, error) values (?, ?, ?)');
  const dropOldest = database.prepare(
    `delete from dead_letters where letter <= ? - ${DEAD_LETTERS_MAX}`,
  );
  const dropCommand = database.prepare('delete from commands where key = ?');
  const newest = database.prepare(
    'select * from dead_letters where letter < ? order by letter desc limit ?',
  );
  const byId = database.prepare('select * from dead_letters where letter = ?');
  const drop = database.prepare('delete from dead_letters where letter = ?');

  return {
    add(event, error, command, now) {
      inTransaction(database, () => {
        const { lastInsertRowid } = add.run(now, JSON.stringify(event) ?? 'null', clean(error));
        dropOldest.run(lastInsertRowid);
        if (command !== null) dropCommand.run(keyOf(command));
      });
    },

    list: (limit, before) =>
      (newest.all(before ?? Number.MAX_SAFE_INTEGER, limit) as Row[]).map(letterOf),

    find(id) {
      const row = byId.get(id) as Row | undefined;
      return row === undefined ? null : letterOf(row);
    },

    drop: (id) => drop.run(id).changes > 0,
  };
}
