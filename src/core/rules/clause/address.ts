/** `from` and `to`: numbers, globs, lists and tables. */
import { isGlob } from '../addresses/glob.ts';
import type { Check, Surroundings } from '../match.ts';
import { quote, type Subject } from '../subject.ts';
import { tableName } from '../tables/table.ts';
import { lasting, someOf } from './lasting.ts';

export function addressClause(
  field: 'from' | 'to',
  values: readonly string[],
  around: Surroundings,
): Check {
  const id = around.addresses.add(field, values);
  const [only = ''] = values;
  const many = values.length === 1 ? null : someOf(values);
  // Built once, so that a decision handles one text instead of all values.
  const failure = many === null ? ` ${relation(only, ' not')}` : ` is none of ${many}`;
  const success = many === null ? ` ${relation(only, '')}` : ` is one of ${many}`;
  const tables = values.map(tableName).filter((name) => name !== null);
  const check = lasting({
    holds: (subject) => subject.isHit(field, id),
    failed: (subject) => subject.word(field) + failure,
    held: (subject) => subject.word(field) + success + rowWords(subject, tables),
  });
  const someCall = field === 'to' ? check.later : check.someCall;
  return { ...check, someCall, first: { field, clause: id, failure } };
}

function relation(value: string, not: '' | ' not'): string {
  if (/^(?:list|table):/.test(value)) return `is${not} in ${value}`;
  if (!isGlob(value)) return `is${not} ${value}`;
  return not === '' ? `matches ${value}` : `does not match ${value}`;
}

/** How much of a row a trace shows. */
const ROW_CHARS_MAX = 200;

/**
 * ` (tables/sites.csv:12 number=+14155550100, site=berlin)` of the row that a table has for this
 * call.
 */
function rowWords(subject: Subject, tables: readonly string[]): string {
  for (const name of tables) {
    const row = subject.rows.of(name);
    if (row === null) continue;
    const cells = row.table.columns.map((column, index) => `${column}=${row.cells[index] ?? ''}`);
    const place = `${row.table.file}:${row.table.line(row.number)}`;
    return ` (${place} ${quote(cells.join(', '), '', ROW_CHARS_MAX)})`;
  }
  return '';
}
