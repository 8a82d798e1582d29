/** What a batch needs to know, in one statement: the parts that are asked for, one row format for all. */
import type { Call } from '../core/call.ts';
import { refuseNewer, SESSION_CALLS_MAX } from './load.ts';
import { clean, keyText } from './postgres-values.ts';
import type { RecentRows } from './recent-rows.ts';
import type { Loaded, LoadKeys } from './store.ts';

/** The server's clock in milliseconds. */
export const NOW_MS = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint';

export interface LoadRow {
  part: 'call' | 'attempt' | 'seen' | 'budget' | 'setting' | 'clock';
  a: number;
  b: number | null;
  c: number | null;
  t: string | null;
}

/** `totals`: whether the budget's counts over all callers are wanted too. */
export function loadStatement(
  keys: LoadKeys,
  totals: boolean,
): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const sources: string[] = [];
  const parts: string[] = [];

  if (keys.callIds.length > 0) {
    sources.push(`select unnest(${bind(keys.callIds.map(keyText))}::uuid[]) as key`);
  }
  if (keys.attemptIds.length > 0) {
    // `named` is evaluated once, for the keys of the calls and for the answer.
    sources.push('select f.key from named join call_filters f on f.call = named.call');
    parts.push("select 'attempt', n, call, null, null from named");
  }
  if (keys.sessionIds.length > 0) {
    const sessions = bind([...new Set(keys.sessionIds.map(clean))]);
    sources.push(`select f.key from unnest(${sessions}::text[]) s, lateral (
      select key from call_filters where session = s order by created_at desc limit ${SESSION_CALLS_MAX}) f`);
  }
  const named =
    keys.attemptIds.length === 0
      ? ''
      : `named as materialized (
          select x.n, (select a.call from attempts a where a.key = x.key limit 1) as call
          from unnest(${bind(keys.attemptIds.map(keyText))}::uuid[]) with ordinality x(key, n)),`;
  if (sources.length > 0) {
    parts.push("select 'call', call, version, code, document from found");
  }
  if (keys.events.length > 0) {
    const calls = bind(keys.events.map(({ callId }) => keyText(callId)));
    const events = bind(keys.events.map(({ key }) => keyText(key)));
    // Not a join: planned as one, it read all events of each call to find the key among them.
    parts.push(`select 'seen', x.n, null, null, null
      from unnest(${calls}::uuid[], ${events}::uuid[]) with ordinality x(call, key, n)
      where (select true from events e
        where e.call = (select c.call from calls c where c.key = x.call) and e.key = x.key)`);
  }
  if (keys.budget !== null) {
    parts.push(budgetParts(keys.budget, totals, sources.length > 0, bind));
  }
  const found =
    sources.length === 0
      ? ''
      : `found as materialized (
          select call, version, code, document from calls
          where key = any (array(${sources.join(' union ')}))),`;
  const text = `with ${named} ${found} clock as (select ${NOW_MS} as now)
    select 'clock' as part, now as a, null::bigint as b, null::bigint as c, null::text as t from clock
    union all select 'setting', version, null, null, name from settings
    ${parts.map((part) => `union all ${part}`).join('\n')}`;
  return { text, values };
}

function budgetParts(
  { callers, limit, since }: NonNullable<LoadKeys['budget']>,
  totals: boolean,
  found: boolean,
  bind: (value: unknown) => string,
): string {
  const from = bind(Math.round(since));
  const max = bind(limit);
  const named = `select unnest(${bind([...new Set(callers.map(clean))])}::text[]) as caller`;
  const loaded =
    'select f.caller from found join call_filters f using (call) where f.caller is not null';
  const count = (where: string) =>
    `(select count(*) from (select from attempts where not unsent and kind = k.kind
       and started_at >= ${from}::bigint and ${where} limit ${max}::bigint) bounded)`;
  const kinds = "(values (0, 'refer'), (1, 'transfer')) k(n, kind)";
  const byCaller = `select 'budget', k.n, ${count('caller = who.caller')}, null, who.caller
    from (${named} ${found ? `union ${loaded}` : ''}) who, ${kinds}`;
  if (!totals) return byCaller;
  return `select 'budget', k.n, ${count('true')}, null, null from ${kinds} union all ${byCaller}`;
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
    settings: { overrides: 0, reload: 0 },
  };
  const named: LoadRow[] = [];
  const idOf = new Map<number, string>();
  // Texts went out cleaned: counts come back under the name they were asked by.
  const callerOf = new Map((keys.budget?.callers ?? []).map((caller) => [clean(caller), caller]));
  for (const row of rows) {
    switch (row.part) {
      case 'clock':
        loaded.now = row.a;
        break;
      case 'setting':
        if (row.t === 'overrides' || row.t === 'reload') loaded.settings[row.t] = row.a;
        break;
      case 'call': {
        const call = JSON.parse(row.t ?? 'null') as Call;
        refuseNewer(row.c ?? 0, codeVersion, call.id);
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
        if (event) loaded.seen.add(`${event.callId}\n${event.key}`);
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
