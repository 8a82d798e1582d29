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
  const parts = Map.groupBy(rows, ({ part }) => part);
  const rowsOf = (part: LoadRow['part']) => parts.get(part) ?? [];
  const loaded: Loaded = {
    now: rowsOf('clock')[0]?.a ?? 0,
    calls: new Map(),
    attempts: new Map(),
    seen: new Set(),
    budget: null,
    settings: { overrides: 0, reload: 0, rest: 0 },
  };
  for (const { t, a } of rowsOf('setting')) if (isVersioned(t)) loaded.settings[t] = a;
  const idOf = new Map<number, string>();
  for (const { a, b, c, t } of rowsOf('call')) {
    const document = t ?? 'null';
    refuseNewer(c ?? 0, codeVersion, document);
    const call = unpackCall(document);
    const version = b ?? 0;
    loaded.calls.set(call.id, { call, version });
    idOf.set(a, call.id);
    recent.note(a, version, call);
  }
  for (const { a, b } of rowsOf('attempt')) {
    const attemptId = keys.attemptIds[a - 1];
    const callId = b === null ? undefined : idOf.get(b);
    if (attemptId !== undefined && callId !== undefined) loaded.attempts.set(attemptId, callId);
  }
  for (const { a } of rowsOf('seen')) {
    const event = keys.events[a - 1];
    if (event) loaded.seen.add(seenKey(event));
  }
  if (keys.budget !== null) {
    loaded.budget = budgetOf(rowsOf('budget'), keys.budget.callers, loaded.calls);
  }
  return loaded;
}

function budgetOf(
  rows: LoadRow[],
  asked: string[],
  calls: Loaded['calls'],
): NonNullable<Loaded['budget']> {
  const budget = { all: none(), byCaller: new Map(asked.map((caller) => [caller, none()])) };
  // Texts were cleaned before they were sent, so counts are mapped back to the names that were
  // asked for.
  const loaded = [...calls.values()].flatMap(({ call }) => call.facts.from ?? []);
  const callerOf = new Map([...asked, ...loaded].map((caller) => [clean(caller), caller]));
  for (const { a, b, t } of rows) {
    const caller = t === null ? null : (callerOf.get(t) ?? t);
    const counts = caller === null ? budget.all : (budget.byCaller.get(caller) ?? none());
    counts[a === 0 ? 'refers' : 'transfers'] = b ?? 0;
    if (caller !== null) budget.byCaller.set(caller, counts);
  }
  return budget;
}

const none = () => ({ refers: 0, transfers: 0 });

export async function findCall(query: Query, callId: string): Promise<StoredCall | null> {
  const [row] = await query('select version, document from calls where key = $1', [
    keyText(callId),
  ]);
  if (!row) return null;
  return { call: unpackCall(String(row.document)), version: Number(row.version) };
}
