/** Looks up a search text in the indexes. */
import type { DatabaseSync } from 'node:sqlite';
import { PHASES } from '../../core/machine/call.ts';
import { HOURLY_SUMS } from '../contract/calls.ts';
import type { Position } from '../rows/cursor.ts';
import { type Finder, idMark, type UnfoldedRow } from '../rows/find.ts';
import { keyOf } from '../rows/key.ts';
import { GRAM_CHARS } from '../rows/search.ts';

/** Synchronous, unlike `Finder`. */
export type SqliteFinder = {
  [Name in keyof Finder]: (...given: Parameters<Finder[Name]>) => Awaited<ReturnType<Finder[Name]>>;
};

/** `look` uses the connection, and waits first if it has to. */
export function finderOf(
  look: <T>(read: (parts: { finder: SqliteFinder }) => T) => Promise<T>,
): Finder {
  return {
    gramCounts: (...given) => look(({ finder }) => finder.gramCounts(...given)),
    partiesWith: (...given) => look(({ finder }) => finder.partiesWith(...given)),
    rules: () => look(({ finder }) => finder.rules()),
    targets: () => look(({ finder }) => finder.targets()),
    callsOf: (...given) => look(({ finder }) => finder.callsOf(...given)),
    unfolded: (...given) => look(({ finder }) => finder.unfolded(...given)),
  };
}

export function prepareFinder(database: DatabaseSync): SqliteFinder {
  const count = database.prepare(
    'select count(*) as n from (select 1 from party_grams where gram = ? limit ?)',
  );
  const parties = database.prepare(
    `select p.party from party_grams g join parties p on p.number = g.party
     where g.gram = ? and iif(length(?) < ${GRAM_CHARS}, p.words = ?, instr(p.words, ?) > 0) limit ?`,
  );
  const bounds = 'created_at between ? and ?';
  const of = (index: string, column: string, table = 'calls') =>
    database.prepare(
      `select call as row, created_at as createdAt from ${table} indexed by ${index}
       where ${column} in (select value from json_each(?)) and ${bounds} limit ?`,
    );
  const byParty = [
    of('calls_caller', 'leg in (0, 1) and caller'),
    of('calls_callee', 'leg in (0, 1) and callee'),
  ];
  const byRule = of('calls_rule', 'rule');
  const byTarget = of('attempts_target', 'target', 'attempts');
  const byId = database.prepare(
    `select c.call as row, c.created_at as createdAt from folded f join calls c using (call)
     where f.id_start >= ? and f.id_start < ? and ${bounds} limit ?`,
  );
  const byKey = database.prepare(
    `select call as row, created_at as createdAt from calls where key = ? and ${bounds}`,
  );
  const row = `c.call as row, c.created_at as createdAt, c.caller, c.callee,
    exists (select 1 from json_each(?) i where instr(c.document, i.value) > 0) as byId`;
  const live = database.prepare(
    `select ${row} from calls c indexed by calls_phase
     where phase in (${PHASES.filter((phase) => phase !== 'ended').map((phase) => `'${phase}'`)})
       and leg in (0, 1) and ${bounds} limit ?`,
  );
  const justEnded = database.prepare(
    `select ${row} from uncounted u join calls c using (call)
     where u.item = '${HOURLY_SUMS}' and c.created_at between ? and ? limit ?`,
  );
  const distinct = (table: string, column: string) =>
    // Jumps from one value to the next in the index: a few steps, however many rows there are.
    database.prepare(
      `with recursive each(value) as (
         select min(${column}) from ${table} where ${column} is not null
         union all
         select (select min(${column}) from ${table} where ${column} > each.value) from each
         where each.value is not null)
       select value from each where value is not null`,
    );
  const rules = distinct('calls', 'rule');
  const targets = distinct('attempts', 'target');
  const values = (rows: unknown[]) => (rows as { value: string }[]).map(({ value }) => value);

  return {
    gramCounts: (grams, limit) => grams.map((gram) => Number(count.get(gram, limit)?.n ?? 0)),
    partiesWith(gram, part, limit) {
      const rows = parties.all(gram, part, part, part, limit) as { party: string }[];
      return rows.map(({ party }) => party);
    },
    rules: () => values(rules.all()),
    targets: () => values(targets.all()),
    callsOf(names, callId, { since, last, limit }) {
      const span = [since, last] as const;
      const lists = [
        ...byParty.map((each) => each.all(JSON.stringify(names.parties), ...span, limit)),
        byRule.all(JSON.stringify(names.rules), ...span, limit),
        byTarget.all(JSON.stringify(names.targets), ...span, limit),
        ...names.ids.map((start) => byId.all(start, `${start}\u{10ffff}`, ...span, limit)),
        byKey.all(keyOf(callId), ...span),
      ];
      return lists.flat() as unknown[] as Position[];
    },
    unfolded(ids, { since, last, limit }) {
      const given = [JSON.stringify(ids.map(idMark)), since, last, limit] as const;
      const rows = [...live.all(...given), ...justEnded.all(...given)] as unknown[];
      return (rows as (Omit<UnfoldedRow, 'byId'> & { byId: number })[]).map((each) => ({
        ...each,
        byId: each.byId === 1,
      }));
    },
  };
}
