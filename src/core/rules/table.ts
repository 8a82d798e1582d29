/**
 * A table of the operator: rows found by the caller's number or the called number. It is kept as
 * the text of its file, with an index of the keys; a row is parsed when a call needs it.
 */
import type { CallFacts } from '../machine/call.ts';
import type { TableRow } from '../machine/plan.ts';
import { type Address, type Pattern, readAddress } from './address.ts';
import { readRecord } from './csv.ts';
import { WideMap } from './wide-map.ts';

export interface TableShape {
  name: string;
  /** Which number of the call is looked up. */
  key: 'from' | 'to';
  file: string;
  columns: readonly string[];
  /** Number of the column that holds the keys. */
  keyColumn: number;
}

/** Which rows a key may come from; a prefix is found by the longest. */
interface PrefixRows {
  /** Longest first. */
  lengths: number[];
  byPrefix: WideMap<number>;
}

export class Table {
  readonly name: string;
  readonly key: 'from' | 'to';
  readonly file: string;
  readonly columns: readonly string[];
  readonly keyColumn: number;
  readonly #text: string;
  readonly #starts: number[] = [];
  readonly #lines: number[] = [];
  readonly #exact = new WideMap<number>();
  readonly #numbers: PrefixRows = { lengths: [], byPrefix: new WideMap() };
  readonly #texts: PrefixRows = { lengths: [], byPrefix: new WideMap() };

  constructor(shape: TableShape, text: string) {
    this.name = shape.name;
    this.key = shape.key;
    this.file = shape.file;
    this.columns = shape.columns;
    this.keyColumn = shape.keyColumn;
    this.#text = text;
  }

  /** How many rows it has. */
  get rows(): number {
    return this.#starts.length;
  }

  /**
   * Enters the row that begins at this offset; its key is a number or address, or one with a `*` at
   * its end. If the key is known already nothing is entered, and the row that has it is returned.
   */
  add(row: { key: Pattern; start: number; line: number }): number | null {
    const { key, start, line } = row;
    const number = this.#starts.length;
    const known = this.#enter(key, number);
    if (known !== null) return known;
    this.#starts.push(start);
    this.#lines.push(line);
    return null;
  }

  #enter(key: Pattern, row: number): number | null {
    if (key.kind === 'exact') {
      const known = this.#exact.get(key.key);
      if (known !== undefined) return known;
      this.#exact.set(key.key, row);
      return null;
    }
    const prefix = key.glob.literalPrefix;
    const among = [
      ...(key.over === 'texts' ? [] : [this.#numbers]),
      ...(key.over === 'numbers' ? [] : [this.#texts]),
    ];
    for (const { byPrefix } of among) {
      const known = byPrefix.get(prefix);
      if (known !== undefined) return known;
    }
    for (const { byPrefix, lengths } of among) {
      byPrefix.set(prefix, row);
      if (lengths.includes(prefix.length)) continue;
      lengths.push(prefix.length);
      lengths.sort((a, b) => b - a);
    }
    return null;
  }

  /** The row of this party, by its exact number, otherwise by the longest prefix. */
  find({ number, texts }: Address): number | null {
    const keys = number === null ? texts : [number, ...texts];
    for (const key of keys) {
      const row = this.#exact.get(key);
      if (row !== undefined) return row;
    }
    let longest: { row: number; length: number } | null = null;
    for (const key of keys) {
      const found = longestPrefix(key === number ? this.#numbers : this.#texts, key);
      if (found !== null && found.length > (longest?.length ?? -1)) longest = found;
    }
    return longest?.row ?? null;
  }

  /** All cells of a row, in the order of the columns. */
  cells(row: number): string[] {
    return readRecord(this.#text, this.#starts[row] ?? 0).cells;
  }

  /** The line of its file on which a row begins, from 1. */
  line(row: number): number {
    return this.#lines[row] ?? 1;
  }

  /** As they are written in the file. */
  *keys(): Generator<string> {
    for (let row = 0; row < this.rows; row += 1) yield this.cells(row)[this.keyColumn] ?? '';
  }
}

function longestPrefix(rows: PrefixRows, text: string): { row: number; length: number } | null {
  for (const length of rows.lengths) {
    if (length > text.length) continue;
    const row = rows.byPrefix.get(text.slice(0, length));
    if (row !== undefined) return { row, length };
  }
  return null;
}

/** The table that a value of `from` or `to` names; null if it names none. */
export function tableName(value: string): string | null {
  return value.startsWith('table:') ? value.slice('table:'.length) : null;
}

export type Tables = ReadonlyMap<string, Table>;

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

  /** Where the tables that a rule asks for have this call: of each group, the first that does. */
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
 * `table: [a, b]` the first that has the call is meant.
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
 * What `{row:site}` or `{row:extensions.site}` means in a rule: a column of the tables it asks for, or,
 * where it asks for several, of the table that is named.
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
