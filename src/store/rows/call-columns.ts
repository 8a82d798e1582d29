/**
 * Which parts of a call's document have a column or a row of their own, the same for every store.
 */
import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { Attempt, Call } from '../../core/machine/call.ts';
import { costTarget, costTotals } from '../../core/machine/cost.ts';
import { attemptEndedAt } from '../../core/machine/heard-late.ts';
import { OTHERWISE } from '../../core/machine/plan.ts';

/** What calls are searched and sorted by; everything except `dueAt` and `phase` changes rarely. */
export interface CallColumns {
  createdAt: number;
  endedAt: number | null;
  dueAt: number | null;
  phase: string;
  ends: string | null;
  /** `otherwise` if the call was decided without a rule; null while nothing is decided. */
  rule: string | null;
  caller: string | null;
  callee: string | null;
  session: string | null;
  /** For the B-leg of a transfer: the caller's call. */
  parent: string | null;
  /** JSON of `CostRow`s, so that statistics need not open the documents. */
  costs: string | null;
  /** JSON of the tables' rows that decided, each with its `table` and `key`. */
  tableRows: string | null;
  outgoing: boolean;
}

/** What a call cost in one currency; `target` is left out where nobody was moved. */
export interface CostRow {
  target?: string | null;
  currency: string;
  amount: string;
}

export function callColumns(call: Call): CallColumns {
  return {
    createdAt: Math.round(call.createdAt),
    endedAt: call.endedAt === null ? null : Math.round(call.endedAt),
    dueAt: dueAt(call),
    phase: call.phase,
    ends: call.ends,
    rule: cleanOrNull(call.rule ?? (call.decided ? OTHERWISE : null)),
    caller: cleanOrNull(call.facts.from),
    callee: cleanOrNull(call.facts.to),
    session: cleanOrNull(call.facts.sessionId),
    parent: cleanOrNull(call.parentId),
    costs: costsText(call),
    tableRows: tableRowsText(call),
    outgoing: call.facts.direction === 'outgoing',
  };
}

function costsText(call: Call): string | null {
  if (call.costs.length === 0) return null;
  const target = costTarget(call);
  const rows = costTotals(call.costs).map(
    ({ currency, amount }): CostRow => ({
      ...(target === undefined ? {} : { target }),
      currency,
      amount,
    }),
  );
  return JSON.stringify(rows);
}

function tableRowsText({ rows }: Call): string | null {
  return rows.length === 0
    ? null
    : JSON.stringify(rows.map(({ table, key }) => ({ table, key: clean(key) })));
}

/** The earliest deadline; null if the call has none. */
function dueAt(call: Call): number | null {
  let earliest: number | null = null;
  for (const deadline of call.deadlines) {
    if (earliest === null || deadline.dueAt < earliest) earliest = deadline.dueAt;
  }
  return earliest === null ? null : Math.round(earliest);
}

/** Changes whenever a column of the attempt's row does. */
export function attemptMark(attempt: Attempt): string {
  return `${attempt.id} ${attempt.verdict} ${attempt.unsent} ${attempt.startedAt} ${tookMs(attempt)} ${attempt.kind} ${attempt.target}`;
}

/** From accepted to the verdict; null while the attempt is open, and if nothing was ever sent. */
export function tookMs(attempt: Attempt): number | null {
  const { unsent, startedAt, acceptedAt } = attempt;
  const endedAt = attemptEndedAt(attempt);
  if (unsent || endedAt === null) return null;
  return Math.max(0, Math.round(endedAt - (acceptedAt ?? startedAt)));
}
