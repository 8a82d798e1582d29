/**
 * Resolves the column in `{row:column}` and `row: { column: … }`, or reports the problem with its
 * name.
 */
import { type Column, type RowScope, resolveColumn } from '../../core/rules/tables/found-rows.ts';
import type { Table } from '../../core/rules/tables/table.ts';
import type { SetContext } from '../building/context.ts';
import { quoted } from '../numbers/number.ts';
import { didYouMean, type Place } from '../problem.ts';

/** Null after a problem, or if an unreadable table may have the column. */
export function columnOf(
  context: SetContext,
  reference: string,
  scope: RowScope,
  where: { at: Place; what: string },
): Column | null {
  const found = resolveColumn(reference, scope, context.tables);
  if (!('problem' in found)) return found;
  const { problems, tables, unreadTables } = context;
  if (context.unsureRows.has(scope) || context.uncertain.has('table')) return null;
  if (scope.flat().some((name) => unreadTables.has(name) || !tables.has(name))) return null;
  const { at, what } = where;
  switch (found.problem) {
    case 'no table':
      problems.problem(
        at,
        `${what} needs the row of a table, but the rule has no table in its when`,
        hint(),
      );
      return null;
    case 'several tables': {
      const [table = ''] = scope
        .flat()
        .filter((name) => tables.get(name)?.columns.includes(reference));
      problems.problem(
        at,
        `${what} may mean several tables: the rule matches on ${scope.map(groupText).join(' and ')}`,
        `name the one you mean: ${table || (scope[0]?.[0] ?? '')}.${reference}`,
      );
      return null;
    }
    case 'no column': {
      const { lacking, column } = found;
      problems.problem(
        at,
        `${what}: the table ${lacking.name} (${lacking.file}) has no column ${quoted(column)}`,
        didYouMean(column, lacking.columns),
      );
      return null;
    }
  }

  function hint(): string {
    const having = [...tables.values()].filter(({ columns }) => columns.includes(reference));
    const names = having.length > 0 ? having.map(({ name }) => name) : [...tables.keys()];
    if (names.length === 0) return 'define one under tables:, and add table: to its when';
    return `add ${names.map((name) => `table: ${name}`).join(' or ')} to its when`;
  }
}

function groupText(group: readonly string[]): string {
  return group.length === 1 ? (group[0] ?? '') : `[${group.join(', ')}]`;
}

/**
 * The only table of the set with all these columns; null if there is none, or if there are several.
 */
export function onlyTableWith(context: SetContext, columns: readonly string[]): Table | null {
  const having = [...context.tables.values()].filter((table) =>
    columns.every((column) => table.columns.includes(column)),
  );
  return having.length === 1 ? (having[0] ?? null) : null;
}
