/**
 * Writes a batch with one statement, in one round trip. What hangs on a call (events, attempts,
 * commands) is written from the rows that won, so that nothing is ever kept of a call that lost its
 * race, be it against an update or against another first insert.
 */
import { CommitUnknown } from '../errors.ts';
import { type CommitRows, claimedFrom, commitRows } from './commit-rows.ts';
import { NOW_MS } from './postgres-load.ts';
import {
  explain,
  isAnswer,
  NotConnected,
  type PostgresPool,
  type Query,
  sqlState,
} from './postgres-pool.ts';
import { plainKey } from './postgres-values.ts';
import type { RecentRows } from './recent-rows.ts';
import { TIMELINE_ENTRIES_MAX } from './rows.ts';
import type { Claim, ClaimedCommand, CommitResult, CommitUnit } from './store.ts';
import { urgentFirst } from './urgent-first.ts';

/** Another replica's commit takes milliseconds; one that holds a row for longer is frozen or gone. */
const LOCK_WAIT_MS = 500;

type Committed = { results: CommitResult[]; claimed: ClaimedCommand[] };

export async function commitUnits(
  pool: PostgresPool,
  units: CommitUnit[],
  claim: Claim | null,
  recent: RecentRows,
  codeVersion: number,
): Promise<Committed> {
  const results: CommitResult[] = units.map(() => 'conflict');
  const claimed: ClaimedCommand[] = [];
  const { together, alone } = divide(units);
  let done = 0;

  if (together.length > 0) {
    const rows = commitRows(
      together.map((n) => units[n]?.changes[0]).filter((c) => c !== undefined),
      recent,
    );
    const written = await tried(() => write(pool.query, rows));
    if (written === 'taken' && together.length > 1) {
      // An event key was taken, or a row is held for long, which fails the statement as a whole: each
      // by itself tells whose, and the others are not kept waiting.
      alone.push(...together);
    } else if (typeof written === 'object') {
      for (const n of written.won) results[together[n] ?? -1] = 'committed';
      claimed.push(...written.claimed);
      done += written.won.length;
    }
  }
  for (const n of alone) {
    const unit = units[n];
    if (unit === undefined) continue;
    try {
      const rows = commitRows(unit.changes, recent);
      const written = await tried(() => writeWhole(rows));
      if (typeof written !== 'object') continue;
      results[n] = 'committed';
      claimed.push(...written.claimed);
      done += 1;
    } catch (error) {
      // What is committed must be told; the engine tries the rest again and hears of the trouble then.
      if (done === 0) throw error;
      break;
    }
  }
  return { results, claimed: urgentFirst(claimed) };

  /** All calls of a unit win, or none is kept. */
  function writeWhole(rows: CommitRows): Promise<Written | null> {
    if (rows.changes.length === 1) {
      return write(pool.query, rows).then((written) => (written.won.length === 1 ? written : null));
    }
    return pool
      .transaction(async (query) => {
        const written = await write(query, rows);
        if (written.won.length < rows.changes.length) throw new LostRace();
        return written;
      })
      .catch((error: unknown) => {
        if (error instanceof LostRace) return null;
        throw error;
      });
  }

  async function write(query: Query, rows: CommitRows): Promise<Written> {
    const { text, values } = commitStatement(rows, claim, codeVersion);
    const [row] = await query(text, values);
    const won = (row?.won ?? []) as number[];
    const stored = new Set(((row?.commands ?? []) as string[]).map(plainKey));
    return {
      won,
      claimed: claim === null ? [] : claimedFrom(rows, stored, claim, Number(row?.now)),
    };
  }

  /** Races lost, deadlocks and waits that were too long are the engine's to try again. */
  async function tried(work: () => Promise<Written | null>): Promise<Written | 'lost' | 'taken'> {
    try {
      return (await work()) ?? 'lost';
    } catch (error) {
      if (error instanceof NotConnected) throw error;
      if (!isAnswer(error)) {
        throw new CommitUnknown(
          `${pool.where}: the connection ended before the result of a commit came (${(error as Error).message})`,
          { cause: error },
        );
      }
      const state = sqlState(error) ?? '';
      if (/^23505|^55P03/.test(state)) return 'taken';
      if (/^40001|^40P01/.test(state)) return 'lost';
      throw explain(error, pool.where);
    }
  }
}

class LostRace extends Error {}

interface Written {
  /** Numbers of the changes that were kept. */
  won: number[];
  claimed: ClaimedCommand[];
}

/** Units of one call go together; a call's second unit is a conflict already. */
function divide(units: CommitUnit[]): { together: number[]; alone: number[] } {
  const taken = new Set<string>();
  const together: number[] = [];
  const alone: number[] = [];
  units.forEach(({ changes }, n) => {
    if (changes.some(({ call }) => taken.has(call.id))) return;
    for (const { call } of changes) taken.add(call.id);
    (changes.length === 1 ? together : alone).push(n);
  });
  return { together, alone };
}

/**
 * Order of locks, so that two replicas with the same calls in hand cannot block each other: rows that
 * exist by key, then inserts by key (`updated` is counted before the first insert), then what hangs on
 * them.
 */
function commitStatement(
  rows: CommitRows,
  claim: Claim | null,
  codeVersion: number,
): { text: string; values: unknown[] } {
  const values: unknown[] = [JSON.stringify(rows.changes)];
  // Each document a parameter of its own: escaped and unescaped as part of the JSON, the same 20
  // documents of 2 KB took the server 580 µs instead of 320.
  const documents = rows.documents.map((document, n) => `(${n}, $${values.push(document)}::text)`);
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const set = (list: unknown[]): string => `json_to_recordset(${bind(JSON.stringify(list))}::json)`;
  const parts: string[] = [];
  let stored = 'null::uuid[]';

  if (rows.changes.some(({ version }) => version > 0)) {
    parts.push(`locked as materialized (
        select c.key from calls c
        where c.key = any (array(select key from change where version > 0))
          and (select set_config('lock_timeout', '${LOCK_WAIT_MS}', true)) is not null
        order by c.key for update),
      updated as (
        update calls c set version = c.version + 1, code = ${codeVersion}, entries = c.entries + x.entries,
          due_at = x.due_at, phase = x.phase, document = x.document
        from change x
        where c.key = x.key and c.version = x.version and x.version > 0 and c.code <= ${codeVersion}
          and (select count(*) from locked) >= 0
        returning x.n, c.call, c.key, c.entries - x.entries as entry)`);
  } else {
    parts.push(
      'updated as (select 0 as n, 0::bigint as call, null::uuid as key, 0 as entry where false)',
    );
  }
  parts.push(`inserted as (
      insert into calls (key, version, code, entries, due_at, phase, document)
      select key, 1, ${codeVersion}, entries, due_at, phase, document from change
      where version = 0 and (select count(*) from updated) >= 0 order by key
      on conflict (key) do nothing returning call, key),
    won as materialized (
      select n, call, key, entry from updated
      union all select x.n, i.call, i.key, 0 from inserted i join change x using (key)),
    clock as materialized (select ${NOW_MS} as now from (select count(*) from won) after_the_locks),
    told as (insert into changes (at, keys) select now, array(select key from won) from clock
      where exists (select from won))`);
  if (rows.filters.length > 0) {
    parts.push(`filtered as (
      insert into call_filters (call, key, created_at, ended_at, over, ends, rule, caller, callee, session)
      select w.call, w.key, f.created_at, f.ended_at, f.over, f.ends, f.rule, f.caller, f.callee, f.session
      from ${set(rows.filters)} as f(n int, created_at bigint, ended_at bigint, over boolean, ends text,
        rule text, caller text, callee text, session text) join won w using (n)
      on conflict (call) do update set created_at = excluded.created_at, ended_at = excluded.ended_at,
        over = excluded.over, ends = excluded.ends, rule = excluded.rule, caller = excluded.caller,
        callee = excluded.callee, session = excluded.session)`);
  }
  if (rows.events.length > 0) {
    parts.push(`logged as (
      insert into events (call, key, entry, document)
      select w.call, e.key, w.entry + e.i,
        case when w.entry + e.i < ${TIMELINE_ENTRIES_MAX} then e.document end
      from ${set(rows.events)} as e(n int, key uuid, i int, document text) join won w using (n))`);
  }
  if (rows.attempts.length > 0) {
    parts.push(`tried as (
      insert into attempts (call, key, kind, target, verdict, caller, created_at, started_at, unsent, took_ms)
      select w.call, a.key, a.kind, a.target, a.verdict, a.caller, a.created_at, a.started_at, a.unsent,
        a.took_ms
      from ${set(rows.attempts)} as a(n int, key uuid, kind text, target text, verdict text, caller text,
        created_at bigint, started_at bigint, unsent boolean, took_ms bigint) join won w using (n)
      on conflict (call, key) do update set kind = excluded.kind, target = excluded.target,
        verdict = excluded.verdict, caller = excluded.caller, started_at = excluded.started_at,
        unsent = excluded.unsent, took_ms = excluded.took_ms)`);
  }
  if (rows.done.length > 0) {
    parts.push(`done as (
      delete from commands k using ${set(rows.done)} as s(n int, key uuid), won w
      where w.n = s.n and k.key = s.key)`);
  }
  if (rows.retries.length > 0) {
    parts.push(`retried as (
      update commands k set ready_at = s.ready_at, owner = null,
        first_sent_at = case when s.unsent then null else k.first_sent_at end
      from ${set(rows.retries)} as s(n int, key uuid, ready_at bigint, unsent boolean), won w
      where w.n = s.n and k.key = s.key)`);
  }
  if (rows.cancels.length > 0) {
    parts.push(`cancelled as (
      update commands k set cancelled = true
      from ${set(rows.cancels)} as s(n int, key uuid), won w where w.n = s.n and k.key = s.key)`);
  }
  if (rows.commands.length > 0) {
    const owner = bind(claim?.owner ?? null);
    const lease = bind(claim?.leaseMs ?? 0);
    parts.push(`issued as (
      insert into commands (key, call, code, rank, ready_at, owner, first_sent_at, tries, cancelled,
        created_at, document)
      select k.key, w.call, ${codeVersion}, k.rank, now + ${lease}::bigint, ${owner}::text,
        ${claim === null ? 'null' : 'now'}, ${claim === null ? 0 : 1}, false, now, k.document
      from ${set(rows.commands)} as k(i int, n int, key uuid, rank smallint, document text)
        join won w using (n), clock
      order by k.i on conflict (key) do nothing returning key)`);
    stored = 'array(select key from issued)';
  }
  return {
    text: `with change as materialized (
        select * from json_to_recordset($1::json) as x(n int, key uuid, version int, entries int,
          due_at bigint, phase text) join (values ${documents.join(',')}) d(n, document) using (n)),
      ${parts.join(',\n')}
      select array(select n from won) as won, ${stored} as commands, (select now from clock) as now`,
    values,
  };
}
