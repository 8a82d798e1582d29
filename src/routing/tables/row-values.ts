/**
 * Warns about a value of `row: { … }` that no row of its table has, such as `gold` where the cells
 * say `Gold`: its rule never matches, and the calls go on to another.
 */
import { compileGlob, type Glob } from '../../core/rules/addresses/glob.ts';
import { resolveColumn } from '../../core/rules/tables/found-rows.ts';
import type { RowValue, SetContext } from '../building/context.ts';
import { quoted } from '../numbers/number.ts';
import { didYouMean } from '../problem.ts';

interface Wanted extends RowValue {
  tables: readonly string[];
  column: string;
  glob: Glob;
}

/** Words of a column that the hint chooses from; a column with more has names or numbers in it. */
const CELLS_KNOWN_MAX = 50;

/** Yields regularly, see slices.ts. */
export function* checkRowValues(context: SetContext): Generator<void, void> {
  const missing = new Set(context.rowValues.flatMap((each) => wantedOf(context, each)));
  const known = new Map<string, Set<string>>();
  for (const table of context.tables.values()) {
    const own = [...missing].filter(({ tables }) => tables.includes(table.name));
    for (let row = 0; row < table.rows && own.some((each) => missing.has(each)); row += 1) {
      yield;
      const cells = table.cells(row);
      for (const each of own) {
        const cell = cells[table.columns.indexOf(each.column)] ?? '';
        if (each.glob.matches(cell)) missing.delete(each);
        const words = known.get(each.column) ?? new Set();
        if (words.size < CELLS_KNOWN_MAX) known.set(each.column, words.add(cell));
      }
    }
  }
  for (const { at, column, value, tables } of missing) {
    const words = known.get(column) ?? new Set();
    context.problems.warning(
      at,
      `no row of the table ${tables.join(' or ')} has ${quoted(value)} in the column ${quoted(column)}: it never matches`,
      words.size < CELLS_KNOWN_MAX ? didYouMean(value, words) : '',
    );
  }
}

/** None if a table could not be read, or if the column has a problem of its own. */
function wantedOf({ tables, unreadTables }: SetContext, written: RowValue): Wanted[] {
  const meant = resolveColumn(written.reference, written.scope, tables);
  if ('problem' in meant || meant.tables.some((name) => unreadTables.has(name))) return [];
  const { column } = meant;
  return [{ ...written, tables: meant.tables, column, glob: compileGlob(written.value) }];
}
