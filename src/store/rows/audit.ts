/** The audit log as rows, the same for every store. */

import { clean } from '../../core/clean-text.ts';
import type { AuditFilter, AuditPage, AuditRow } from '../contract/audit.ts';
import { readCursor, writeCursor } from './cursor.ts';

export function auditRow(row: Record<string, unknown>): AuditRow {
  const text = (name: string) => (row[name] === null ? null : String(row[name]));
  return {
    id: Number(row.entry),
    at: Number(row.at),
    who: String(row.who),
    role: String(row.role),
    what: String(row.what),
    to: text('target'),
    reason: text('reason'),
    from: text('origin'),
    result: String(row.result),
    detail: JSON.parse(String(row.detail)) as AuditRow['detail'],
  };
}

/**
 * The conditions of a filter, each with its value as it is kept, in a fixed order, so that a
 * statement may number them.
 */
export function auditConditions(filter: AuditFilter): [string, string | number][] {
  const { who, what, to, since, until, cursor } = filter;
  const conditions: [string, string | number | undefined][] = [
    ['who =', who],
    ['what =', what],
    ['target =', to],
    ['at >=', since],
    ['at <', until],
    ['entry <', cursor === undefined ? undefined : readCursor(cursor, 'audit').row],
  ];
  return conditions.flatMap(([condition, value]) =>
    value === undefined ? [] : [[condition, typeof value === 'string' ? clean(value) : value]],
  );
}

/** `rows` has one row more than `limit` if there is another page. */
export function auditPage(rows: AuditRow[], limit: number): AuditPage {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  const next = more ? writeCursor({ createdAt: last.at, row: last.id }, 'audit') : null;
  return { rows: shown, next };
}
