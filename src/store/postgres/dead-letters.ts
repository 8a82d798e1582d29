/** Events that could not be processed. */
import { clean } from '../../core/clean-text.ts';
import type { DeadLetter } from '../contract/dead-letters.ts';
import { DEAD_LETTERS_MAX, letterOf } from '../rows/dead-letter.ts';
import { keyText } from '../rows/key.ts';
import { NOW_MS } from './clock.ts';
import type { Query } from './pool.ts';

export async function addLetter(
  query: Query,
  event: unknown,
  error: string,
  command: string | null,
): Promise<void> {
  await query(
    `with added as (
       insert into dead_letters (at, event, error) values (${NOW_MS}, $1, $2) returning letter),
     done as (delete from commands where key = $3::uuid)
     delete from dead_letters d using added where d.letter <= added.letter - ${DEAD_LETTERS_MAX}`,
    [JSON.stringify(event) ?? 'null', clean(error), command === null ? null : keyText(command)],
  );
}

export async function listLetters(
  query: Query,
  limit: number,
  before: number | null,
): Promise<DeadLetter[]> {
  const rows = await query(
    'select * from dead_letters where letter < $1 order by letter desc limit $2',
    [before ?? Number.MAX_SAFE_INTEGER, limit],
  );
  return rows.map(letterOf);
}

export async function findLetter(query: Query, id: number): Promise<DeadLetter | null> {
  const [row] = await query('select * from dead_letters where letter = $1', [id]);
  return row === undefined ? null : letterOf(row);
}

export async function dropLetter(query: Query, id: number): Promise<boolean> {
  return (
    (await query('delete from dead_letters where letter = $1 returning letter', [id])).length > 0
  );
}
