/** The hourly sums, and the parties that calls are searched by. */
import type { DatabaseSync } from 'node:sqlite';
import { addUp, type Sum } from '../../core/history/sums.ts';
import { HOURLY_SUMS } from '../contract/calls.ts';
import { unpackCall } from '../rows/call-document.ts';
import { foldAll, SUM_KEYS, type SumRow, sumOf, sumRow } from '../rows/fold.ts';
import { gramsOf, partyWords } from '../rows/search.ts';
import { inTransaction } from './transaction.ts';

export interface SqliteHistory {
  fold(limit: number, now: number): number;
  sums(from: number, to: number): Sum[];
  pruneSums(before: number, limit: number): number;
  /**
   * Removes the parties of deleted calls that have no other call. Call it in the same transaction.
   */
  forgetParties(parties: readonly string[]): void;
}

/** For reading only. */
export function prepareSums(database: DatabaseSync): SqliteHistory['sums'] {
  const span = database.prepare('select * from sums where hour >= ? and hour < ?');
  return (from, to) => (span.all(from, to) as unknown[] as SumRow[]).map(sumOf);
}

export function prepareHistory(database: DatabaseSync, codeVersion: number): SqliteHistory {
  const unfolded = database.prepare(
    `select u.call, c.document, f.sums from uncounted u join calls c using (call)
       left join folded f using (call)
     where u.item = '${HOURLY_SUMS}' and u.due_at <= ? and c.code <= ${codeVersion}
     order by u.due_at limit ?`,
  );
  const take = database.prepare(`delete from uncounted where call = ? and item = '${HOURLY_SUMS}'`);
  const keep = database.prepare(
    `insert into folded (call, id_start, sums) values (?, ?, ?)
     on conflict (call) do update set sums = excluded.sums`,
  );
  const where = SUM_KEYS.map((name) => `${name} = ?`).join(' and ');
  const find = database.prepare(`select * from sums where ${where}`);
  const write = database.prepare(
    `insert or replace into sums values (${Array.from({ length: SUM_KEYS.length + 5 }, () => '?').join()})`,
  );
  const remove = database.prepare(`delete from sums where ${where}`);
  const drop = database.prepare(
    `delete from sums where (${SUM_KEYS.join()}) in
       (select ${SUM_KEYS.join()} from sums where hour < ? order by hour limit ?)`,
  );
  const addParty = database.prepare(
    'insert into parties (party, words) values (?, ?) on conflict do nothing',
  );
  const addGram = database.prepare('insert into party_grams (gram, party) values (?, ?)');
  const partyNumber = database.prepare('select number, words from parties where party = ?');
  const hasCalls = database.prepare(
    `select exists (select 1 from calls where caller = ?)
       or exists (select 1 from calls where callee = ?) as has`,
  );
  const dropGram = database.prepare('delete from party_grams where gram = ? and party = ?');
  const dropParty = database.prepare('delete from parties where number = ?');

  return {
    fold(limit, now) {
      if (unfolded.get(now, 1) === undefined) return 0;
      return inTransaction(database, () => {
        const rows = unfolded.all(now, limit) as {
          call: number;
          document: string;
          sums: string | null;
        }[];
        const { added, folded, parties } = foldAll(
          rows.map(({ call, document, sums }) => ({
            row: call,
            call: unpackCall(document),
            before: sums,
          })),
        );
        for (const sum of added) add(sum);
        for (const { row, idStart, sums } of folded) {
          keep.run(row, idStart, sums);
          take.run(row);
        }
        for (const party of parties) know(party);
        return rows.length;
      });
    },

    sums: prepareSums(database),
    pruneSums: (before, limit) => Number(drop.run(before, limit).changes),

    forgetParties(parties) {
      for (const party of parties) {
        const known = partyNumber.get(party) as { number: number; words: string } | undefined;
        if (known === undefined || hasCalls.get(party, party)?.has === 1) continue;
        for (const gram of gramsOf(known.words)) dropGram.run(gram, known.number);
        dropParty.run(known.number);
      }
    },
  };

  function add(sum: Sum): void {
    const row = sumRow(sum);
    const key = SUM_KEYS.map((name) => row[name]);
    const known = find.get(...key) as unknown as SumRow | undefined;
    const [total] = addUp([...(known === undefined ? [] : [sumOf(known)]), sum]);
    if (total === undefined) {
      remove.run(...key);
      return;
    }
    const { calls, attempts, moves, amount, took } = sumRow(total);
    write.run(...key, calls, attempts, moves, amount, took);
  }

  function know(party: string): void {
    const words = partyWords(party);
    const added = addParty.run(party, words);
    if (added.changes === 0) return;
    for (const gram of gramsOf(words)) addGram.run(gram, Number(added.lastInsertRowid));
  }
}
