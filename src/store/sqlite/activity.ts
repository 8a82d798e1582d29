/** What happened lately, read in small steps so that no webhook waits behind it. */
import type { DatabaseSync } from 'node:sqlite';
import { type Ends, PHASES, type Phase, type Verdict } from '../../core/machine/call.ts';
import type { Groups } from '../rows/activity.ts';
import type { Position } from '../rows/cursor.ts';

/** Calls looked at in one go of the event loop (about 2 ms). */
export const ACTIVITY_CHUNK_CALLS = 500;

export interface SqliteActivity {
  live(): { phase: Phase; count: number }[];
  /** Adds the calls before a position, newest first; null when nothing is left. */
  chunk(groups: Groups, since: number, before: Position, limit: number): Position | null;
}

const LIVE_PHASES = PHASES.filter((phase) => phase !== 'ended');

interface Row {
  call: number;
  created_at: number;
  rule: string | null;
  ends: string | null;
  tried: number;
  key: Uint8Array | null;
  target: string | null;
  verdict: string | null;
  started_at: number;
  took_ms: number | null;
}

export function prepareActivity(database: DatabaseSync): SqliteActivity {
  // Phase by phase: `phase <> 'ended'` would walk over every call that ever ended.
  const count = database.prepare(
    'select count(*) as n from calls indexed by calls_phase where phase = ? and leg = 0',
  );
  const rows = database.prepare(
    `select d.call, d.created_at, c.rule, c.ends, a.key, a.target, a.verdict, a.started_at, a.took_ms,
       (select count(*) from attempts t where t.call = d.call) as tried
     from (select call, created_at from calls indexed by calls_created
           where leg = 0 and created_at >= ? and (created_at, call) < (?, ?)
           order by created_at desc, call desc limit ?) d
     join calls c on c.call = d.call left join attempts a on a.call = d.call
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
          groups.call({
            createdAt: row.created_at,
            rule: row.rule,
            ends: row.ends as Ends | null,
            attempts: row.tried,
          });
        }
        if (row.key === null) continue;
        groups.attempt({
          startedAt: row.started_at,
          rule: row.rule,
          target: row.target,
          verdict: row.verdict as Verdict | null,
          tookMs: row.took_ms,
        });
      }
      return calls < limit ? null : position;
    },
  };
}
