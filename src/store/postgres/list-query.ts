/** The SQL of the list's filters. */
import type { Direction, Ends } from '../../core/machine/call.ts';
import { verdictsAsked } from '../../core/machine/verdict.ts';
import type { CallFilter } from '../contract/list.ts';
import { ACKNOWLEDGED_MARK, directionMark } from '../rows/call-document.ts';
import type { Position } from '../rows/cursor.ts';
import { endsOfOutcome } from '../rows/outcome-ends.ts';

const COLUMNS = {
  rule: 'f.rule',
  ends: 'f.ends',
  from: 'f.caller',
  to: 'f.callee',
  sessionId: 'f.session',
  parentId: 'f.parent',
  phase: 'c.phase',
} as const;

/**
 * The filters, in parts that each use one index and are then merged: the indexes distinguish
 * callers from B-legs and one end from another, and a query over several would have to sort.
 */
export function partsOf(filter: CallFilter, after: Position) {
  const values: unknown[] = [after.createdAt, after.row];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const terms = ['(f.created_at, f.call) < ($1::bigint, $2::bigint)'];
  for (const name of ['rule', 'ends', 'from', 'to', 'sessionId', 'parentId', 'phase'] as const) {
    const value = filter[name];
    if (value !== undefined) terms.push(`${COLUMNS[name]} = ${bind(value)}`);
  }
  // The phase of a live call changes too often for an index, so live calls have a short index of
  // their own.
  if (filter.phase !== undefined) terms.push(filter.phase === 'ended' ? 'f.over' : 'not f.over');
  if (filter.since !== undefined) terms.push(`f.created_at >= ${bind(Math.round(filter.since))}`);
  if (filter.until !== undefined) terms.push(`f.created_at < ${bind(Math.round(filter.until))}`);
  if (filter.unacknowledged) terms.push(`position('${ACKNOWLEDGED_MARK}' in c.document) = 0`);
  if (filter.direction !== undefined) terms.push(isDirected(filter.direction));
  const { target, verdict } = filter;
  // Target and verdict must match the same attempt.
  const attempt = ['a.call = f.call'];
  if (target !== undefined) attempt.push(`a.target = ${bind(target)}`);
  if (verdict !== undefined) attempt.push(verdictTerm(verdictsAsked(verdict), bind));
  if (attempt.length > 1) {
    terms.push(`exists (select from attempts a where ${attempt.join(' and ')})`);
  }
  const all = filter.legs === 'all' || filter.parentId !== undefined;
  const legs = all && filter.outcome === undefined ? ['not f.leg', 'f.leg'] : ['not f.leg'];
  const parts = legs.flatMap((leg) =>
    numberTerms(filter, bind).flatMap((number) =>
      outcomeTerms(filter).map((outcome) => [leg, ...number, ...outcome, ...terms].join(' and ')),
    ),
  );
  return { parts, values, bind };
}

/** One verdict stays an equality, which the planner can read in order. */
function verdictTerm(verdicts: readonly string[], bind: (value: unknown) => string): string {
  const [first, ...others] = verdicts;
  return others.length === 0 ? `a.verdict = ${bind(first)}` : `a.verdict = any (${bind(verdicts)})`;
}

function numberTerms({ number }: CallFilter, bind: (value: unknown) => string): string[][] {
  if (number === undefined) return [[]];
  const ours = bind(number);
  return [
    [`f.callee = ${ours}`, 'not f.outgoing'],
    [`f.caller = ${ours}`, 'f.outgoing'],
  ];
}

function isDirected(direction: Direction): string {
  if (direction === 'outgoing') return 'f.outgoing';
  return `position('${directionMark(direction)}' in c.document) > 0`;
}

function outcomeTerms({ outcome }: CallFilter): string[][] {
  if (outcome === undefined) return [[]];
  const { always, tried, untried } = endsOfOutcome(outcome);
  const has = 'exists (select from attempts a where a.call = f.call)';
  const isOne = (ends: Ends) => `f.ends = '${ends}'`;
  return [
    ...always.map((ends) => [isOne(ends)]),
    ...tried.map((ends) => [isOne(ends), has]),
    ...untried.map((ends) => [isOne(ends), `not ${has}`]),
  ];
}
