/**
 * A table of the operator: rows found by the caller's number or the called number. It is kept as
 * the text of its file, with an index of the keys; a row is parsed when a call needs it.
 */
import type { Address, Pattern } from '../addresses/address.ts';
import { WideMap } from '../addresses/wide-map.ts';
import { readRecord } from './csv.ts';

export interface TableShape {
  name: string;
  /** Which number of the call is looked up. */
  key: 'from' | 'to';
  file: string;
  columns: readonly string[];
  /** Number of the column that holds the keys. */
  keyColumn: number;
}

/** The rows with prefixes; the longest prefix that fits is used. */
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
   * Enters the row that begins at this offset; its key is a number, an address or a prefix with a
   * `*` at its end. If the key is already known, nothing is entered, and the row that has it is
   * returned.
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
