/** The rows that a call has in the tables, and which of their cells a rule means. */
import type { CallFacts } from '../../machine/call.ts';
import type { TableRow } from '../../machine/plan.ts';
import { type Address, readAddress } from '../addresses/address.ts';
import type { Table, Tables } from './table.ts';

export interface Row {
  table: Table;
  number: number;
  cells: readonly string[];
}

/** The rows of one call, each looked up once. */
export class CallRows {
  readonly #tables: Tables;
  readonly #facts: CallFacts;
  readonly #rows = new Map<string, Row | null>();
  #from: Address | undefined;
  #to: Address | undefined;

  constructor(tables: Tables, facts: CallFacts, known: { from?: Address; to?: Address } = {}) {
    this.#tables = tables;
    this.#facts = facts;
    this.#from = known.from;
    this.#to = known.to;
  }

  of(name: string): Row | null {
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const table = this.#tables.get(name);
    const number = table?.find(this.#address(table.key)) ?? null;
    const row =
      table === undefined || number === null ? null : { table, number, cells: table.cells(number) };
    this.#rows.set(name, row);
    return row;
  }

  /** The cell of a reference such as `{row:site}`; null if no row of the call has one. */
  cell(reference: string, scope: RowScope): string | null {
    const wanted = resolveColumn(reference, scope, this.#tables);
    return 'problem' in wanted ? null : this.cellOf(wanted);
  }

  cellOf({ tables, column }: Column): string | null {
    for (const name of tables) {
      const row = this.of(name);
      if (row !== null) return row.cells[row.table.columns.indexOf(column)] ?? null;
    }
    return null;
  }

  /**
   * The row of this call in each group of tables, from the first table of the group that has one.
   */
  found(scope: RowScope): TableRow[] {
    const found: TableRow[] = [];
    for (const group of scope) {
      const row = group.map((name) => this.of(name)).find((each) => each !== null);
      if (row === undefined || row === null) continue;
      const { name, keyColumn, key } = row.table;
      if (found.some(({ table }) => table === name)) continue;
      found.push({ table: name, key: row.cells[keyColumn] ?? '', of: key });
    }
    return found;
  }

  #address(field: 'from' | 'to'): Address {
    if (field === 'from') {
      this.#from ??= readAddress(this.#facts.from);
      return this.#from;
    }
    this.#to ??= readAddress(this.#facts.to);
    return this.#to;
  }
}

/**
 * The tables a rule asks for, as it writes them: `table: extensions` is a group of one, and of
 * `table: [a, b]` the first with a row for the call is used.
 */
export type RowScope = readonly (readonly string[])[];

export const NO_ROWS: RowScope = [];

/** Of several tables, the first with a row for the call is used. */
export interface Column {
  tables: readonly string[];
  column: string;
}

export type ColumnRef =
  | Column
  | { problem: 'no table' }
  | { problem: 'several tables'; groups: RowScope }
  /** `lacking` has no such column. */
  | { problem: 'no column'; column: string; lacking: Table };

/**
 * What `{row:site}` or `{row:extensions.site}` means in a rule: a column of the tables it asks for,
 * or, where it asks for several, of the table that is named.
 */
export function resolveColumn(reference: string, scope: RowScope, tables: Tables): ColumnRef {
  const [group, ...others] = scope;
  if (group === undefined) return { problem: 'no table' };
  const lacking = (names: readonly string[], column: string) =>
    names
      .map((name) => tables.get(name))
      .find((table) => table?.columns.includes(column) === false);
  if (others.length === 0) {
    const table = lacking(group, reference);
    if (table === undefined) return { tables: group, column: reference };
    const named = namedColumn(reference, scope);
    if (named === null) return { problem: 'no column', column: reference, lacking: table };
  }
  const named = namedColumn(reference, scope);
  if (named === null) return { problem: 'several tables', groups: scope };
  const table = lacking([named.table], named.column);
  if (table !== undefined) return { problem: 'no column', column: named.column, lacking: table };
  return { tables: [named.table], column: named.column };
}

function namedColumn(reference: string, scope: RowScope): { table: string; column: string } | null {
  for (const table of scope.flat()) {
    if (!reference.startsWith(`${table}.`)) continue;
    return { table, column: reference.slice(table.length + 1) };
  }
  return null;
}
