/** The audit log. */
import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { AuditCame, AuditEntry, AuditFilter, AuditPage } from '../contract/audit.ts';
import { auditConditions, auditPage, auditRow } from '../rows/audit.ts';
import { NOW_MS } from './clock.ts';
import type { Query } from './pool.ts';

export async function addAudit(query: Query, entry: AuditEntry): Promise<number> {
  const { who, role, what, to, reason, from, result, detail } = entry;
  const [row] = await query(
    `insert into audit (at, who, role, what, target, reason, origin, result, detail)
     values (${NOW_MS}, $1, $2, $3, $4, $5, $6, $7, $8) returning entry`,
    [
      clean(who),
      role,
      what,
      cleanOrNull(to),
      cleanOrNull(reason),
      cleanOrNull(from),
      clean(result),
      clean(JSON.stringify(detail)),
    ],
  );
  return Number(row?.entry);
}

export async function endAudit(query: Query, id: number, came: AuditCame): Promise<void> {
  const { to, result, detail } = came;
  await query('update audit set target = $1, result = $2, detail = $3 where entry = $4', [
    cleanOrNull(to),
    clean(result),
    clean(JSON.stringify(detail)),
    id,
  ]);
}

export async function listAudit(query: Query, filter: AuditFilter): Promise<AuditPage> {
  const conditions = auditConditions(filter);
  const where = conditions.map(([condition], n) => `${condition} $${n + 1}`).join(' and ');
  const rows = await query(
    `select * from audit ${where === '' ? '' : `where ${where}`}
     order by entry desc limit $${conditions.length + 1}`,
    [...conditions.map(([, value]) => value), filter.limit + 1],
  );
  return auditPage(rows.map(auditRow), filter.limit);
}

export async function pruneAudit(query: Query, before: number, limit: number): Promise<number> {
  const removed = await query(
    `delete from audit where entry = any (array(
       select entry from audit where at < $1 order by at limit $2)) returning entry`,
    [before, limit],
  );
  return removed.length;
}
