/** Reads recent activity in small steps, so that no webhook waits behind it. */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import {
  type Attempt,
  type Ends,
  PHASES,
  type Phase,
  type Verdict,
} from '../../core/machine/call.ts';
import { OTHERWISE } from '../../core/machine/plan.ts';
import type { Activity } from '../contract/activity.ts';
import { createGroups, type Groups, neverAsked, withoutNone } from '../rows/activity.ts';
import { FIRST, type Position } from '../rows/cursor.ts';

/** Calls read in one turn of the event loop (about 2 ms). */
const ACTIVITY_CHUNK_CALLS = 500;

export interface SqliteActivity {
  live(): { phase: Phase; count: number }[];
  /** Adds the calls before a position, newest first; null when there are no more. */
  chunk(groups: Groups, since: number, before: Position, limit: number): Position | null;
}

const LIVE_PHASES = PHASES.filter((phase) => phase !== 'ended');

interface Row {
  call: number;
  created_at: number;
  rule: string | null;
  ends: string | null;
  attempts: number;
  untried: number;
  key: Uint8Array | null;
  target: string | null;
  kind: string;
  verdict: string | null;
  started_at: number;
  took_ms: number | null;
  costs: string | null;
  table_rows: string | null;
}

/** Reads the newest calls first, each chunk in a turn of the event loop of its own. */
export async function readActivity(
  look: <T>(read: (parts: { activity: SqliteActivity }) => T) => Promise<T>,
  now: () => Promise<number>,
  since: number,
  callsMax: number,
): Promise<Activity> {
  const groups = createGroups();
  const from = Math.round(since);
  let position: Position | null = FIRST;
  let reached = from;
  for (let left = callsMax; left > 0 && position !== null; left -= ACTIVITY_CHUNK_CALLS) {
    const before: Position = position;
    const limit = Math.min(left, ACTIVITY_CHUNK_CALLS);
    position = await look(({ activity }) => activity.chunk(groups, from, before, limit));
    reached = position?.createdAt ?? from;
    await setImmediate();
  }
  return {
    now: await now(),
    since: reached,
    live: await look(({ activity }) => activity.live()),
    calls: groups.calls(),
    attempts: groups.attempts(),
    costs: groups.costs(),
    rows: groups.tableRows(),
  };
}

export function prepareActivity(database: DatabaseSync): SqliteActivity {
  // One phase at a time: `phase <> 'ended'` would visit every call that ever ended.
  const count = database.prepare(
    'select count(*) as n from calls indexed by calls_phase where phase = ? and leg = 0',
  );
  const rows = database.prepare(
    `select d.call, d.created_at, nullif(c.rule, '${OTHERWISE}') as rule, c.ends, c.costs,
       c.table_rows, a.key, a.target, a.kind, a.verdict, a.started_at, a.took_ms,
       (select count(*) from attempts t where t.call = d.call) as attempts,
       -- With the plus it does not look through all skipped attempts of the store, for each row.
       (select count(*) from attempts t where t.call = d.call
        and (+t.verdict = 'skipped' or ${neverAsked('t')})) as untried
     from (select call, created_at from calls indexed by calls_created
           where leg = 0 and created_at >= ? and (created_at, call) < (?, ?)
           order by created_at desc, call desc limit ?) d
     join calls c on c.call = d.call
     left join attempts a on a.call = d.call and not ${neverAsked('a')}
     order by d.created_at desc, d.call desc`,
  );

  return {
    live: () =>
      LIVE_PHASES.map((phase) => ({ phase, count: Number(count.get(phase)?.n) })).filter(
        (row) => row.count > 0,
      ),

    chunk(groups, since, before, limit) {
      let position = null as Position | null;
      let calls = 0;
      for (const row of rows.all(
        since,
        before.createdAt,
        before.row,
        limit,
      ) as unknown[] as Row[]) {
        if (position?.row !== row.call) {
          position = { createdAt: row.created_at, row: row.call };
          calls += 1;
          const { attempts, untried } = row;
          const became = withoutNone({ ends: row.ends as Ends | null, attempts, untried });
          groups.call({ createdAt: row.created_at, rule: row.rule, ...became });
          if (row.table_rows !== null) groups.rows(row.table_rows, became);
          if (row.costs !== null) groups.cost(row.rule, row.costs);
        }
        if (row.key === null) continue;
        groups.attempt({
          startedAt: row.started_at,
          rule: row.rule,
          target: row.target,
          kind: row.kind as Attempt['kind'],
          verdict: row.verdict as Verdict | null,
          tookMs: row.took_ms,
        });
      }
      return calls < limit ? null : position;
    },
  };
}
