/** Which rows of a table a rule's own `row` clauses let through. */
import { compileGlob, type Glob } from '../addresses/glob.ts';
import type { Condition } from '../rule.ts';
import { resolveColumn } from './found-rows.ts';
import type { Table, Tables } from './table.ts';

export type RowFilter = readonly { column: number; globs: Glob[] }[];

export function rowFilter(when: Condition, table: Table, tables: Tables): RowFilter {
  if ('clause' in when) {
    const { clause } = when;
    if (clause.key !== 'row') return [];
    const meant = resolveColumn(clause.column, clause.scope, tables);
    if ('problem' in meant || meant.tables.join('\n') !== table.name) return [];
    return [{ column: table.columns.indexOf(meant.column), globs: clause.values.map(compileGlob) }];
  }
  return 'all' in when ? when.all.flatMap((part) => rowFilter(part, table, tables)) : [];
}

export function letsThrough(filter: RowFilter, cells: readonly string[]): boolean {
  return filter.every(({ column, globs }) =>
    globs.some((glob) => glob.matches(cells[column] ?? '')),
  );
}
