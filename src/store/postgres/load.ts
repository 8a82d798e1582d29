/** Loads what a batch needs in one statement: each part that is asked for, in one row format. */

import { clean } from '../../core/clean-text.ts';
import {
  type Loaded,
  type LoadKeys,
  SESSION_CALLS_MAX,
  type StoredCall,
  seenKey,
} from '../contract/calls.ts';
import { isVersioned } from '../contract/settings.ts';
import { refuseNewer, unpackCall } from '../rows/call-document.ts';
import { keyText } from '../rows/key.ts';
import type { RecentRows } from '../rows/recent-rows.ts';
import type { Query } from './pool.ts';
import { arrayOf } from './values.ts';

/** The server's clock in milliseconds. */
export const NOW_MS = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** An index can be read up to this, and not up to a function that is called for each row. */
export const CLOCK = `clock as materialized (select ${NOW_MS} as now)`;

export interface LoadRow {
  part: 'call' | 'attempt' | 'seen' | 'budget' | 'setting' | 'clock';
  a: number;
  b: number | null;
  c: number | null;
  t: string | null;
}

/** migrations/postgres/0001-first.sql */
export const LOAD = 'select * from referee_load_1($1, $2, $3, $4, $5, $6, $7, $8, $9)';

export function loadValues(keys: LoadKeys): unknown[] {
  return [
    arrayOf(keys.callIds.map(keyText)),
    arrayOf(keys.attemptIds.map(keyText)),
    [...new Set(keys.sessionIds.map(clean))],
    SESSION_CALLS_MAX,
    arrayOf(keys.events.map(({ callId }) => keyText(callId))),
    arrayOf(keys.events.map(({ key }) => keyText(key))),
    [...new Set((keys.budget?.callers ?? []).map(clean))],
    Math.round(keys.budget?.since ?? 0),
    keys.budget?.limit ?? null,
  ];
}

export function loadedFrom(
  rows: LoadRow[],
  keys: LoadKeys,
  recent: RecentRows,
  codeVersion: number,
): Loaded {
  const loaded: Loaded = {
    now: 0,
    calls: new Map(),
    attempts: new Map(),
    seen: new Set(),
    budget: keys.budget === null ? null : emptyBudget(keys.budget.callers),
    settings: { overrides: 0, reload: 0, rest: 0 },
  };
  const named: LoadRow[] = [];
  const idOf = new Map<number, string>();
  // Texts were cleaned before they were sent, so counts are mapped back to the names that were
  // asked for.
  const callerOf = new Map((keys.budget?.callers ?? []).map((caller) => [clean(caller), caller]));
  for (const row of rows) {
    switch (row.part) {
      case 'clock':
        loaded.now = row.a;
        break;
      case 'setting':
        if (isVersioned(row.t)) loaded.settings[row.t] = row.a;
        break;
      case 'call': {
        const document = row.t ?? 'null';
        refuseNewer(row.c ?? 0, codeVersion, document);
        const call = unpackCall(document);
        const version = row.b ?? 0;
        loaded.calls.set(call.id, { call, version });
        idOf.set(row.a, call.id);
        recent.note(row.a, version, call);
        if (call.facts.from !== null) callerOf.set(clean(call.facts.from), call.facts.from);
        break;
      }
      case 'attempt':
        named.push(row);
        break;
      case 'seen': {
        const event = keys.events[row.a - 1];
        if (event) loaded.seen.add(seenKey(event));
        break;
      }
      case 'budget':
        break;
    }
  }
  for (const { a, b } of named) {
    const attemptId = keys.attemptIds[a - 1];
    const callId = b === null ? undefined : idOf.get(b);
    if (attemptId !== undefined && callId !== undefined) loaded.attempts.set(attemptId, callId);
  }
  for (const { part, a, b, t } of rows) {
    if (part !== 'budget' || loaded.budget === null) continue;
    const caller = t === null ? null : (callerOf.get(t) ?? t);
    const counts =
      caller === null ? loaded.budget.all : (loaded.budget.byCaller.get(caller) ?? none());
    counts[a === 0 ? 'refers' : 'transfers'] = b ?? 0;
    if (caller !== null) loaded.budget.byCaller.set(caller, counts);
  }
  return loaded;
}

const none = () => ({ refers: 0, transfers: 0 });

function emptyBudget(callers: string[]): NonNullable<Loaded['budget']> {
  return { all: none(), byCaller: new Map(callers.map((caller) => [caller, none()])) };
}

export async function findCall(query: Query, callId: string): Promise<StoredCall | null> {
  const [row] = await query('select version, document from calls where key = $1', [
    keyText(callId),
  ]);
  if (!row) return null;
  return { call: unpackCall(String(row.document)), version: Number(row.version) };
}
