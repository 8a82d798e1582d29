/**
 * The SQL of the list of calls: one index drives, the other filters are checked on a bounded number
 * of rows.
 */
import type { SQLInputValue } from 'node:sqlite';
import type { Direction, Ends } from '../../core/machine/call.ts';
import type { CallerOutcome } from '../../core/machine/caller-outcome.ts';
import { verdictsAsked } from '../../core/machine/verdict.ts';
import type { CallFilter } from '../contract/list.ts';
import { ACKNOWLEDGED_MARK, directionMark } from '../rows/call-document.ts';
import { isAfter, type Position } from '../rows/cursor.ts';
import type { Found } from '../rows/find.ts';
import { endsOfOutcome } from '../rows/outcome-ends.ts';

/** Rows looked at in one turn of the event loop (about 2 ms). */
export const LIST_CHUNK_ROWS = 500;

/**
 * The most selective first: the first of these that is asked for drives. `byLeg`: its index
 * distinguishes callers from B-legs; one session or parent has few of either.
 */
const CALL_FILTERS = [
  { name: 'parentId', column: 'parent', index: 'calls_parent', byLeg: false },
  { name: 'sessionId', column: 'session', index: 'calls_session', byLeg: false },
  { name: 'from', column: 'caller', index: 'calls_caller', byLeg: true },
  { name: 'to', column: 'callee', index: 'calls_callee', byLeg: true },
] as const;
const BROAD_FILTERS = [
  { name: 'rule', column: 'rule' },
  { name: 'ends', column: 'ends' },
  { name: 'phase', column: 'phase' },
] as const;

/** Rows in the order of the list, from an index or from a search. */
interface Walk {
  source: string;
  terms: string[];
  values: SQLInputValue[];
}

/**
 * With `indexed by`, a query that would scan the table fails in the tests instead of at the
 * millionth call.
 */
export function chunkQuery(
  filter: CallFilter,
  after: Position,
  found: Found | null,
): { sql: string; values: SQLInputValue[] } {
  const hit = hitTerms(filter);
  const bounds = boundTerms(filter);
  const walks = found?.kind === 'few' ? [foundWalk(found.rows, after)] : walksOf(filter);
  // Several walks are merged: a single query would have to sort everything that the index returns.
  const parts = walks.map(({ source, terms }) => {
    const place = [...terms, ...bounds.terms, '(created_at, call) < (?, ?)'];
    return `select * from (select call, created_at from ${source} where ${place.join(' and ')}
      order by created_at desc, call desc limit ${LIST_CHUNK_ROWS})`;
  });
  const named = found?.kind === 'many' ? namedTerm(found) : { sql: '0', values: [] };
  const sql = `select d.call, d.created_at, c.caller, c.callee,
      coalesce(${hit.terms.join(' and ')}, 0) as hit, coalesce(${named.sql}, 0) as named
    from (
      ${parts.join(' union all ')} order by created_at desc, call desc limit ${LIST_CHUNK_ROWS}
    ) d join calls c on c.call = d.call order by d.created_at desc, d.call desc`;
  const place = [...bounds.values, after.createdAt, after.row];
  const own = walks.flatMap(({ values }) => [...values, ...place]);
  return { sql, values: [...hit.values, ...named.values, ...own] };
}

/** The search returned rows in order, so the next few are enough. */
function foundWalk(rows: Position[], after: Position): Walk {
  const first = rows.findIndex((each) => isAfter(each, after));
  const next = first < 0 ? [] : rows.slice(first, first + LIST_CHUNK_ROWS);
  return {
    source: '(select c.call, c.created_at from json_each(?) j join calls c on c.call = j.value)',
    terms: ['1'],
    values: [JSON.stringify(next.map(({ row }) => row))],
  };
}

function namedTerm({ rules, targets }: { rules: string[]; targets: string[] }) {
  return {
    sql: `(c.rule in (select value from json_each(?)) or exists (select 1 from attempts a
      where a.call = c.call and +a.target in (select value from json_each(?))))`,
    values: [JSON.stringify(rules), JSON.stringify(targets)],
  };
}

function walksOf(filter: CallFilter): Walk[] {
  const legs = legsOf(filter);
  const own = CALL_FILTERS.find(({ name }) => filter[name] !== undefined);
  if (own !== undefined)
    return byColumn(own.index, own.column, [filter[own.name] ?? ''], own.byLeg ? legs : null);
  if (filter.number !== undefined) {
    return [
      ...byColumn('calls_callee', 'callee', [filter.number], legs).map(endingSo),
      ...byColumn('calls_caller', 'caller', [filter.number], legs),
    ];
  }
  function endingSo(walk: Walk): Walk {
    // The index of our numbers contains the end, so calls that ended otherwise are skipped there.
    const asked = endsAsked(filter);
    if (asked === null) return walk;
    return { ...walk, terms: [...walk.terms, `ends in (${asked.map((each) => `'${each}'`)})`] };
  }
  const attempts = attemptWalks(filter);
  if (attempts.length > 0) return attempts;
  if (filter.rule !== undefined) return byColumn('calls_rule', 'rule', [filter.rule], null);
  const ends = endsAsked(filter);
  if (ends !== null) return byColumn('calls_ends', 'ends', ends, legs);
  if (filter.phase !== undefined) return byColumn('calls_phase', 'phase', [filter.phase], legs);
  return legs.map((leg) => ({
    source: 'calls indexed by calls_created',
    terms: [`leg = ${leg}`],
    values: [],
  }));
}

/** `legs` is null if the index does not distinguish callers from B-legs. */
function byColumn(
  index: string,
  column: string,
  values: string[],
  legs: (0 | 1)[] | null,
  table: 'calls' | 'attempts' = 'calls',
): Walk[] {
  const source = `${table} indexed by ${index}`;
  return values.flatMap((value) =>
    (legs ?? [null]).map((leg) => ({
      source,
      terms: [`${column} = ?`, ...(leg === null ? [] : [`leg = ${leg}`])],
      values: [value],
    })),
  );
}

/** Null if any end matches. */
function endsAsked({ ends, outcome }: CallFilter): Ends[] | null {
  if (ends !== undefined) return [ends];
  if (outcome === undefined) return null;
  const { always, tried, untried } = endsOfOutcome(outcome);
  return [...always, ...tried, ...untried];
}

/** The legs of one call are B-legs, whatever else is asked for; B-legs have no outcome. */
function legsOf({ legs, parentId, outcome }: CallFilter): (0 | 1)[] {
  if (outcome !== undefined) return [0];
  return legs === 'all' || parentId !== undefined ? [0, 1] : [0];
}

function boundTerms({ since, until }: CallFilter) {
  return {
    terms: [
      ...(since === undefined ? [] : ['created_at >= ?']),
      ...(until === undefined ? [] : ['created_at < ?']),
    ],
    values: [since, until].filter((bound) => bound !== undefined).map(Math.round),
  };
}

/** Target and verdict must match the same attempt. */
function attemptWalks({ target, verdict }: CallFilter): Walk[] {
  if (verdict === undefined) {
    if (target === undefined) return [];
    return byColumn('attempts_target', 'target', [target], null, 'attempts');
  }
  const verdicts = [...verdictsAsked(verdict)];
  if (target === undefined) {
    return byColumn('attempts_verdict', 'verdict', verdicts, null, 'attempts');
  }
  return verdicts.map((each) => ({
    source: 'attempts indexed by attempts_target_verdict',
    terms: ['target = ?', 'verdict = ?'],
    values: [target, each],
  }));
}

/** All filters, checked on each row that the index returns. */
function hitTerms(filter: CallFilter) {
  const asked = [...CALL_FILTERS, ...BROAD_FILTERS].filter(
    ({ name }) => filter[name] !== undefined,
  );
  const callers = legsOf(filter).length === 1 ? ['c.leg = 0'] : [];
  const open = filter.unacknowledged ? [`instr(c.document, '${ACKNOWLEDGED_MARK}') = 0`] : [];
  const terms = ['1', ...callers, ...open, ...asked.map(({ column }) => `c.${column} = ?`)];
  const values: SQLInputValue[] = asked.map(({ name }) => filter[name] ?? null);
  if (filter.outcome !== undefined) terms.push(outcomeTerm(filter.outcome));
  if (filter.direction !== undefined) terms.push(isDirected(filter.direction));
  if (filter.number !== undefined) {
    terms.push(`iif(${isDirected('outgoing')}, c.caller, c.callee) = ?`);
    values.push(filter.number);
  }
  const { target, verdict } = filter;
  // The plus stops the planner from reading all attempts with a verdict for each call.
  const attempt = ['a.call = c.call'];
  if (target !== undefined) {
    attempt.push('+a.target = ?');
    values.push(target);
  }
  if (verdict !== undefined) {
    const verdicts = verdictsAsked(verdict);
    attempt.push(`+a.verdict in (${verdicts.map(() => '?').join()})`);
    values.push(...verdicts);
  }
  if (attempt.length > 1) {
    terms.push(`exists (select 1 from attempts a where ${attempt.join(' and ')})`);
  }
  return { terms, values };
}

function isDirected(direction: Direction): string {
  return `(instr(c.document, '${directionMark(direction)}') > 0)`;
}

function outcomeTerm(outcome: CallerOutcome): string {
  const { always, tried, untried } = endsOfOutcome(outcome);
  const isOne = (ends: Ends[]) => `c.ends in (${ends.map((each) => `'${each}'`).join()})`;
  const has = 'exists (select 1 from attempts a where a.call = c.call)';
  return `(${isOne(always)} or (${isOne(tried)} and ${has}) or (${isOne(untried)} and not ${has}))`;
}
