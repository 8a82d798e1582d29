/** The audit log. */
import type { DatabaseSync } from 'node:sqlite';
import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { AuditCame, AuditEntry, AuditFilter, AuditPage } from '../contract/audit.ts';
import { auditConditions, auditPage, auditRow } from '../rows/audit.ts';

export interface SqliteAudit {
  add(entry: AuditEntry, now: number): number;
  end(id: number, came: AuditCame): void;
  list(filter: AuditFilter): AuditPage;
  prune(before: number, limit: number): number;
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
  };
}
