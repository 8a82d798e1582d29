/** Calls with their events, many in one statement, so that they are consistent. */
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
import { keyText } from '../rows/key.ts';
import {
  LISTED,
  RECORDINGS_AT_ONCE,
  type RecordedRow,
  recordedCall,
} from '../rows/recorded-rows.ts';
import type { Query } from './pool.ts';
import { arrayOf, plainKey } from './values.ts';

export async function readRecordings(
  query: Query,
  callIds: string[],
  codeVersion: number,
): Promise<RecordedCall[]> {
  const found: RecordedCall[] = [];
  for (let at = 0; at < callIds.length; at += RECORDINGS_AT_ONCE) {
    found.push(...(await readSome(query, callIds.slice(at, at + RECORDINGS_AT_ONCE), codeVersion)));
  }
  return found;
}

async function readSome(
  query: Query,
  callIds: string[],
  codeVersion: number,
): Promise<RecordedCall[]> {
  const keys = callIds.map(keyText);
  // `offset 0`: planned as joins, they may read the rows of all calls.
  const rows = await query(
    `with asked as materialized (
       select c.call, c.key, entries, code, document, ${LISTED.join(', ')}
       from calls c left join lateral (
         select * from call_filters where call = c.call offset 0) f on true
       where c.key = any ($1::uuid[]))
     select key, -1 as entry, document, entries, code, ${LISTED.join(', ')},
       (select json_agg(json_build_array(replace(a.key::text, '-', ''), a.kind, a.target,
         a.verdict)) from attempts a where a.call = asked.call)::text as attempts from asked
     union all
     select a.key, e.entry, e.document, null, null, ${LISTED.map(() => 'null').join(', ')}, null
       from asked a, lateral (
       select entry, document from events where call = a.call and document is not null offset 0) e`,
    [arrayOf(keys)],
  );
  const byKey = Map.groupBy(rows, ({ key }) => plainKey(String(key)));
  return keys.flatMap((key) => {
    const own = (byKey.get(key) ?? []).map(rowOf).sort((a, b) => a.entry - b.entry);
    return recordedCall(own, codeVersion) ?? [];
  });
}

function rowOf(row: Record<string, unknown>): RecordedRow {
  const { entry, document, entries, code, attempts } = row;
  return {
    ...(row as unknown as RecordedRow),
    entry: Number(entry),
    document: String(document),
    entries: entries === null ? null : Number(entries),
    code: code === null ? null : Number(code),
    attempts: attempts === null ? null : String(attempts),
  };
}
