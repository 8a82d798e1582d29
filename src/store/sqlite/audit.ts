/**
 * The audit log, and what needs somebody's attention: dead letters, and commands still to be sent.
 */
import type { DatabaseSync } from 'node:sqlite';
import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { AuditCame, AuditEntry, AuditFilter, AuditPage } from '../contract/audit.ts';
import type { DeadLetter } from '../contract/dead-letters.ts';
import type { OutboxCommand } from '../contract/outbox.ts';
import { auditConditions, auditPage, auditRow } from '../rows/audit.ts';
import { letterOf } from '../rows/dead-letter.ts';
import { commandOf } from '../rows/outbox-command.ts';

export interface SqliteAudit {
  add(entry: AuditEntry, now: number): number;
  end(id: number, came: AuditCame): void;
  list(filter: AuditFilter): AuditPage;
  prune(before: number, limit: number): number;
  letters(limit: number, before: number | null): DeadLetter[];
  letter(id: number): DeadLetter | null;
  dropLetter(id: number): boolean;
  commands(limit: number): OutboxCommand[];
}

type Row = Record<string, unknown>;

export function prepareAudit(database: DatabaseSync): SqliteAudit {
  const add = database.prepare(
    `insert into audit (at, who, role, what, target, reason, origin, result, detail)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const end = database.prepare(
    'update audit set target = ?, result = ?, detail = ? where entry = ?',
  );
  const prune = database.prepare(
    'delete from audit where entry in (select entry from audit where at < ? order by at limit ?)',
  );
  const letters = database.prepare(
    'select * from dead_letters where letter < ? order by letter desc limit ?',
  );
  const letter = database.prepare('select * from dead_letters where letter = ?');
  const dropLetter = database.prepare('delete from dead_letters where letter = ?');
  const commands = database.prepare(
    `select k.*, caller, callee from commands k left join calls using (call)
     where cancelled = 0 order by command limit ?`,
  );

  return {
    add({ who, role, what, to, reason, from, result, detail }, now) {
      const texts = [cleanOrNull(to), cleanOrNull(reason), cleanOrNull(from), clean(result)];
      const row = [now, clean(who), role, what, ...texts, JSON.stringify(detail)];
      return Number(add.run(...row).lastInsertRowid);
    },
    end(id, { to, result, detail }) {
      end.run(cleanOrNull(to), clean(result), JSON.stringify(detail), id);
    },
    list(filter) {
      const conditions = auditConditions(filter);
      const where = conditions.map(([condition]) => `${condition} ?`).join(' and ');
      const rows = database
        .prepare(
          `select * from audit ${where === '' ? '' : `where ${where}`} order by entry desc limit ?`,
        )
        .all(...conditions.map(([, value]) => value), filter.limit + 1) as Row[];
      return auditPage(rows.map(auditRow), filter.limit);
    },
    prune: (before, limit) => Number(prune.run(before, limit).changes),
    letters: (limit, before) =>
      (letters.all(before ?? Number.MAX_SAFE_INTEGER, limit) as Row[]).map(letterOf),
    letter(id) {
      const row = letter.get(id) as Row | undefined;
      return row === undefined ? null : letterOf(row);
    },
    dropLetter: (id) => dropLetter.run(id).changes > 0,
    commands: (limit) => (commands.all(limit) as Row[]).map(commandOf),
  };
}
