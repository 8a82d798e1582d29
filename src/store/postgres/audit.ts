/**
 * The audit log, and what needs somebody's attention: dead letters, and commands still to be sent.
 */

import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { AuditCame, AuditEntry, AuditFilter, AuditPage } from '../contract/audit.ts';
import type { DeadLetter } from '../contract/dead-letters.ts';
import type { OutboxCommand } from '../contract/outbox.ts';
import { auditConditions, auditPage, auditRow } from '../rows/audit.ts';
import { letterOf } from '../rows/dead-letter.ts';
import { commandOf } from '../rows/outbox-command.ts';
import { NOW_MS } from './load.ts';
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

export async function listLetters(
  query: Query,
  limit: number,
  before: number | null,
): Promise<DeadLetter[]> {
  const rows = await query(
    'select * from dead_letters where letter < $1 order by letter desc limit $2',
    [before ?? Number.MAX_SAFE_INTEGER, limit],
  );
  return rows.map(letterOf);
}

export async function findLetter(query: Query, id: number): Promise<DeadLetter | null> {
  const [row] = await query('select * from dead_letters where letter = $1', [id]);
  return row === undefined ? null : letterOf(row);
}

export async function dropLetter(query: Query, id: number): Promise<boolean> {
  return (
    (await query('delete from dead_letters where letter = $1 returning letter', [id])).length > 0
  );
}

export async function listCommands(query: Query, limit: number): Promise<OutboxCommand[]> {
  const rows = await query(
    `select k.*, caller, callee from commands k left join call_filters using (call)
     where not cancelled order by command limit $1`,
    [limit],
  );
  return rows.map(commandOf);
}
