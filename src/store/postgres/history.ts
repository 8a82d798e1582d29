/**
 * The hourly sums, and the parties that calls are searched by. One replica at a time writes them.
 */
import { addUp, type Sum } from '../../core/history/sums.ts';
import { HOURLY_SUMS } from '../contract/calls.ts';
import { unpackCall } from '../rows/call-document.ts';
import { foldAll, SUM_KEYS, type SumRow, sumOf, sumRow } from '../rows/fold.ts';
import { gramsOf, partyWords } from '../rows/search.ts';
import { CLOCK } from './clock.ts';
import type { Query } from './pool.ts';
import { dueItems } from './uncounted.ts';

/**
 * Whoever holds this lock may write sums and parties. It ends with the transaction, so it works
 * behind a transaction pooler.
 */
const LOCK = "hashtext('referee history')";

/**
 * Needs a transaction. The call is locked together with its item, so an event that changes the call
 * either is visible here, or waits and finds the item taken. A call that is being changed now is
 * left to the next round.
 */
export async function foldCalls(query: Query, limit: number, codeVersion: number): Promise<number> {
  const [lock] = await query(`select pg_try_advisory_xact_lock(${LOCK}) as alone`);
  if (lock?.alone !== true) return 0;
  const rows = await query(
    `with ${CLOCK}, due as materialized (${dueItems('=')})
     select u.call, c.document, d.sums
     from due u join call_filters f on f.call = u.call join calls c on c.key = f.key
       left join folded d on d.call = u.call
     where c.code <= $2 order by u.due_at for update of c skip locked`,
    [limit, codeVersion],
  );
  if (rows.length === 0) return 0;
  const { added, folded, parties } = foldAll(
    rows.map(({ call, document, sums }) => ({
      row: Number(call),
      call: unpackCall(String(document)),
      before: sums === null ? null : String(sums),
    })),
  );
  await addSums(query, added.map(sumRow));
  await query(
    `with given as materialized (
       select * from json_to_recordset($1) as g(row bigint, "idStart" text, sums text)),
     taken as (
       delete from uncounted u using given g where u.call = g.row and u.item = '${HOURLY_SUMS}')
     insert into folded (call, id_start, sums) select row, "idStart", sums from given
     on conflict (call) do update set sums = excluded.sums`,
    [JSON.stringify(folded)],
  );
  await addParties(query, parties);
  return rows.length;
}

async function addSums(query: Query, added: SumRow[]): Promise<void> {
  if (added.length === 0) return;
  const keys = SUM_KEYS.map((name) => `${name} ${name === 'hour' ? 'bigint' : 'text'}`).join();
  const known = await query(
    `select s.* from json_to_recordset($1) as g(${keys}) join sums s using (${SUM_KEYS.join()})`,
    [JSON.stringify(added)],
  );
  const totals = addUp([...(known as unknown[] as SumRow[]), ...added].map(sumOf)).map(sumRow);
  const left = new Set(totals.map(sumKeyText));
  const gone = (known as unknown[] as SumRow[]).filter((row) => !left.has(sumKeyText(row)));
  await query(
    `delete from sums s using json_to_recordset($1) as g(${keys})
     where ${SUM_KEYS.map((name) => `s.${name} = g.${name}`).join(' and ')}`,
    [JSON.stringify(gone)],
  );
  await query(
    `insert into sums select * from json_populate_recordset(null::sums, $1)
     on conflict (${SUM_KEYS.join()}) do update set calls = excluded.calls,
       attempts = excluded.attempts, moves = excluded.moves, amount = excluded.amount,
       took = excluded.took`,
    [JSON.stringify(totals)],
  );
}

function sumKeyText(row: SumRow): string {
  return JSON.stringify(SUM_KEYS.map((name) => (name === 'hour' ? Number(row.hour) : row[name])));
}

async function addParties(query: Query, parties: string[]): Promise<void> {
  const rows = await query(
    `insert into parties (party, words)
       select party, words from json_to_recordset($1) as g(party text, words text)
     on conflict (party) do nothing returning number, words`,
    [JSON.stringify(parties.map((party) => ({ party, words: partyWords(party) })))],
  );
  if (rows.length === 0) return;
  const grams = rows.flatMap(({ number, words }) =>
    gramsOf(String(words)).map((gram) => ({ gram, party: Number(number) })),
  );
  await query(
    `insert into party_grams select * from json_populate_recordset(null::party_grams, $1)
     on conflict do nothing`,
    [JSON.stringify(grams)],
  );
}

export async function readSums(query: Query, from: number, to: number): Promise<Sum[]> {
  const rows = await query('select * from sums where hour >= $1 and hour < $2', [from, to]);
  return (rows as unknown[] as SumRow[]).map(sumOf);
}

export async function pruneSums(query: Query, before: number, limit: number): Promise<number> {
  const [row] = await query(
    `with gone as (
       delete from sums where ctid = any (array(
         select ctid from sums where hour < $1 order by hour limit $2)) returning 1)
     select count(*) as n from gone`,
    [before, limit],
  );
  return Number(row?.n);
}

/**
 * Needs a transaction, which then has the lock. Waited for, because the parties of a call can be
 * found only while it is deleted: what is not forgotten then stays for ever.
 */
export async function waitForHistory(query: Query): Promise<void> {
  await query(`set local lock_timeout = '3s'; select pg_advisory_xact_lock(${LOCK})`);
}

/**
 * Removes the parties of deleted calls that have no other call. Needs the transaction that deleted
 * them, and its lock: a call that arrives meanwhile is added later, and brings its parties back.
 */
export async function forgetParties(query: Query, parties: string[]): Promise<void> {
  if (parties.length === 0) return;
  await query(
    `with gone as (
       delete from parties p where p.party = any ($1)
         and not exists (select from call_filters f where f.caller = p.party)
         and not exists (select from call_filters f where f.callee = p.party)
       returning number)
     delete from party_grams g using gone where g.party = gone.number
       and g.gram = any ($2)`,
    [parties, [...new Set(parties.flatMap((party) => gramsOf(partyWords(party))))]],
  );
}
