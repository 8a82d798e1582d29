/** Builds the tables of all route files, each from the CSV file that it names. */
import { Table } from '../../core/rules/tables/table.ts';
import type { SetContext } from '../building/context.ts';
import { referenced } from '../building/data.ts';
import type { DecodedSet } from '../decoded-set.ts';
import { readTable } from './read-table.ts';

/** Adds them to the context, where other builders look them up. Yields regularly, see slices.ts. */
export function* buildTables(context: SetContext, input: DecodedSet): Generator<void, void> {
  for (const { routes, positions } of input.files) {
    for (const [name, written] of Object.entries(routes.tables ?? {})) {
      const { file, key } = written;
      const at = positions.at(written, 'file');
      const bytes = referenced(context, input.folder, file, at);
      const wanted = { name, file, key };
      const table =
        bytes === null ? null : yield* readTable(wanted, bytes, context.problems, context.country);
      if (table === null) context.unreadTables.add(name);
      context.tables.set(name, table ?? new Table({ ...wanted, columns: [], keyColumn: 0 }, ''));
      if (table?.rows !== 0 || context.problems.problems.some((each) => each.file === file))
        continue;
      context.problems.warning(
        positions.atKey(routes.tables ?? {}, name),
        `the table ${name} is empty: it has no rows`,
        'rules that use it never match',
      );
    }
  }
}
