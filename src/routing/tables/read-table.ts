/**
 * Reads a table's CSV file: the columns, and each row's key. An invalid row is a problem at its
 * line and does not hide problems in other rows.
 */
import { isUtf8 } from 'node:buffer';
import { readPattern } from '../../core/rules/addresses/address.ts';
import { type CsvRecord, readRecord } from '../../core/rules/tables/csv.ts';
import { Table } from '../../core/rules/tables/table.ts';
import { LONE_RETURN, readableText } from '../files/text.ts';
import { LIMITS } from '../limits.ts';
import { checkNumber, quoted } from '../numbers/number.ts';
import type { Place, Problems } from '../problem.ts';
import { type OuterSpaces, outerSpaces } from './outer-spaces.ts';

interface WantedTable {
  name: string;
  key: 'from' | 'to';
  file: string;
}

/**
 * Null after problems that leave the columns unknown. `country`: as for `checkNumber`. Yields
 * regularly, see slices.ts.
 */
export function* readTable(
  wanted: WantedTable,
  bytes: Uint8Array,
  problems: Problems,
  country: string | null = null,
): Generator<void, Table | null> {
  // Not fatal: each row with bytes in another encoding is reported separately.
  const text = yield* readableText(bytes);
  const reader: Reader = {
    wanted,
    text,
    utf8: isUtf8(bytes),
    problems,
    country,
    spaces: outerSpaces(),
  };
  const header = readRecord(text, 0);
  const columns = readColumns(reader, header);
  if (columns === null) return null;
  const named = columns.indexOf(wanted.key);
  const keyColumn = Math.max(0, named);
  const table = new Table({ ...wanted, columns, keyColumn }, text);
  let line = 1 + header.lines;
  for (let start = header.next; start < text.length; ) {
    if (table.rows >= LIMITS.tableRows) {
      problems.problem(at(reader, line), `the table has more than ${LIMITS.tableRows} rows`);
      break;
    }
    const record = readRecord(text, start);
    // A blank line is not a row.
    const blank = record.cells.length === 1 && record.cells[0] === '' && record.fault === null;
    if (!blank) readRow(reader, table, { record, start, line });
    start = record.next;
    line += record.lines;
    yield;
  }
  reader.spaces.report(problems);
  return table;
}

interface Reader {
  wanted: WantedTable;
  text: string;
  /** False: the file contains bytes that are not UTF-8. */
  utf8: boolean;
  problems: Problems;
  country: string | null;
  spaces: OuterSpaces;
}

/** The place where a row begins, or a place within it. */
function at({ wanted, text }: Reader, line: number, start = 0, offset = start): Place {
  const before = text.slice(start, offset);
  const lines = before.split('\n').length - 1;
  return {
    file: wanted.file,
    line: line + lines,
    column: before.length - before.lastIndexOf('\n'),
  };
}

const SAVE_AS_UTF8 = 'save the file as UTF-8; in Excel: CSV UTF-8';

/** In a file without line feeds the first line is all of it. */
const HEADER_CHARS_SEEN = 64 * 1024;

function readColumns(reader: Reader, header: CsvRecord): string[] | null {
  const { problems, text } = reader;
  const top = at(reader, 1);
  const columns = header.cells.map((cell) => cell.trim());
  if (!reader.utf8 && columns.some((column) => column.includes('\ufffd'))) {
    problems.problem(top, 'the first line is not UTF-8 text', SAVE_AS_UTF8);
    return null;
  }
  if (header.fault !== null) {
    const { problem, hint } = header.fault;
    problems.problem(at(reader, 1, 0, header.fault.at), problem, hint);
    return null;
  }
  const lone = /\r(?!\n)/.exec(text.slice(0, Math.min(header.next, HEADER_CHARS_SEEN)))?.index;
  if (lone !== undefined) {
    problems.problem(at(reader, 1, 0, lone), LONE_RETURN.problem, LONE_RETURN.hint);
    return null;
  }
  if (columns.length === 1 && columns[0] === '') {
    problems.problem(top, 'the first line names no columns', 'for example number,extension,site');
    return null;
  }
  if (columns.length === 1 && /[;\t]/.test(columns[0] ?? '')) {
    const found = columns[0]?.includes(';') === true ? 'semicolons' : 'tabs';
    problems.problem(
      top,
      `the columns are separated by ${found}`,
      'separate them by commas: save the sheet as CSV (comma delimited)',
    );
    return null;
  }
  if (columns.length > LIMITS.tableColumns) {
    problems.problem(
      top,
      `the first line names ${columns.length} columns, more than ${LIMITS.tableColumns}`,
    );
    return null;
  }
  const before = problems.problems.length;
  for (const [index, column] of columns.entries()) {
    const twice = columns.indexOf(column) < index;
    if (column === '') {
      problems.problem(top, `column ${index + 1} has no name`, 'the first line names each column');
    } else if (/[{}]/.test(column) || !isPlainText(column)) {
      problems.problem(
        top,
        `the column ${quoted(column)} cannot be named in {row:…}`,
        'a name of printable characters, without braces, in UTF-8',
      );
    } else if (twice) {
      problems.problem(top, `the column ${quoted(column)} appears twice`, 'name each only once');
    }
  }
  if (/^[+0-9][0-9*]{5,}$/.test(columns[0] ?? '')) {
    problems.problem(
      top,
      `the first line begins with the number ${quoted(columns[0] ?? '')}`,
      `the first line names the columns, for example ${reader.wanted.key},extension,site`,
    );
  }
  return problems.problems.length > before ? null : columns;
}

function readRow(
  reader: Reader,
  table: Table,
  row: { record: CsvRecord; start: number; line: number },
): void {
  const { problems } = reader;
  const { record, start, line } = row;
  const { cells, fault } = record;
  if (fault !== null) {
    problems.problem(at(reader, line, start, fault.at), fault.problem, fault.hint);
    return;
  }
  const here = at(reader, line);
  if (cells.length !== table.columns.length) {
    problems.problem(
      here,
      `the row has ${cellsWord(cells.length)}, but the first line names ${table.columns.length} columns`,
      cells.length > table.columns.length
        ? 'put a cell that contains a comma in quotes'
        : 'an empty cell still needs its comma',
    );
    return;
  }
  if (!checkText(reader, table, cells, here)) return;
  const key = cells[table.keyColumn] ?? '';
  if (!checkKey(reader, table, key, here)) return;
  const written = () => reader.text.slice(start, record.next);
  reader.spaces.note(cells, { written, columns: table.columns, here });
  const pattern = readPattern(key);
  const known = table.add({ key: pattern, start, line });
  if (known === null) return;
  problems.problem(
    here,
    `the key ${quoted(key)} is already on line ${table.line(known)}`,
    'each number may have one row: remove one of them',
  );
}

function cellsWord(count: number): string {
  return count === 1 ? 'one cell' : `${count} cells`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;

function isPlainText(text: string): boolean {
  return !CONTROL.test(text) && !/[\r\n\ufffd]/.test(text);
}

/** False after a problem. */
function checkText(reader: Reader, table: Table, cells: readonly string[], here: Place): boolean {
  for (const [index, cell] of cells.entries()) {
    const name = quoted(table.columns[index] ?? '');
    if (!reader.utf8 && cell.includes('\ufffd')) {
      reader.problems.problem(here, `the cell ${name} is not UTF-8 text`, SAVE_AS_UTF8);
      return false;
    }
    const control = CONTROL.exec(cell)?.[0] ?? /\r(?!\n)/.exec(cell)?.[0];
    if (control !== undefined) {
      const code = control.charCodeAt(0).toString(16).padStart(2, '0');
      const message = `the cell ${name} contains a control character (0x${code})`;
      reader.problems.problem(here, message, 'remove it');
      return false;
    }
  }
  return true;
}

/** False after a problem. */
function checkKey({ problems, country }: Reader, table: Table, key: string, here: Place): boolean {
  const column = quoted(table.columns[table.keyColumn] ?? '');
  if (key === '') {
    problems.problem(here, `the cell ${column} is empty, but it is the key`, 'write a number');
    return false;
  }
  if (key.length > LIMITS.entryLength) {
    const message = `the key has ${key.length} characters, more than ${LIMITS.entryLength}`;
    problems.problem(here, message);
    return false;
  }
  if (/^(?:list|table):/.test(key) || (/[*?]/.test(key) && !/^[^*?]*\*$/.test(key))) {
    problems.problem(
      here,
      `the key ${quoted(key)} is neither a number nor a prefix`,
      'a key is exact, or a prefix with one * at its end',
    );
    return false;
  }
  const check = checkNumber(key, country);
  if (check === null) return true;
  if ('warning' in check) {
    problems.warning(here, check.warning, check.hint);
    return true;
  }
  problems.problem(here, check.problem, check.hint);
  return false;
}
