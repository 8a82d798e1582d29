/** Gathers rows of calls and attempts into the groups that charts and tables are made of. */

import type { Attempt, Verdict } from '../../core/machine/call.ts';
import { addDecimals } from '../../core/machine/decimal.ts';
import type { AttemptGroup, CallGroup, CostGroup, RowGroup } from '../contract/activity.ts';
import type { CostRow } from './call-columns.ts';

export const MINUTE_MS = 60_000;

type Became = Pick<CallGroup, 'ends' | 'attempts' | 'untried'>;

export interface Groups {
  call(call: Became & { createdAt: number; rule: string | null }): void;
  attempt(attempt: {
    startedAt: number;
    rule: string | null;
    target: string | null;
    kind: Attempt['kind'];
    verdict: Verdict | null;
    tookMs: number | null;
  }): void;
  /** `text`: the `costs` column of a call. */
  cost(rule: string | null, text: string): void;
  /** `text`: the column `table_rows` of a call. */
  rows(text: string, call: Became): void;
  calls(): CallGroup[];
  attempts(): AttemptGroup[];
  costs(): CostGroup[];
  tableRows(): RowGroup[];
}

export function createGroups(): Groups {
  const calls = new Map<string, CallGroup>();
  const attempts = new Map<string, AttemptGroup>();
  const costs = new Map<string, CostGroup>();
  const rows = new Map<string, RowGroup>();
  return {
    call({ createdAt, rule, ...became }) {
      const minute = minuteOf(createdAt);
      const key = JSON.stringify([minute, rule, became]);
      const group = calls.get(key) ?? { minute, rule, ...became, count: 0 };
      group.count += 1;
      calls.set(key, group);
    },
    attempt({ startedAt, rule, target, kind, verdict, tookMs }) {
      const minute = minuteOf(startedAt);
      const key = JSON.stringify([minute, rule, target, kind, verdict]);
      const fresh = { minute, rule, target, kind, verdict, count: 0, tookMs: [] };
      const group = attempts.get(key) ?? fresh;
      group.count += 1;
      if (tookMs !== null) group.tookMs.push(tookMs);
      attempts.set(key, group);
    },
    cost(rule, text) {
      for (const row of JSON.parse(text) as CostRow[]) {
        const key = JSON.stringify([rule, row.target === undefined, row.target, row.currency]);
        const group = costs.get(key);
        if (group === undefined) costs.set(key, { rule, ...row });
        else group.amount = addDecimals(group.amount, row.amount);
      }
    },
    rows(text, became) {
      for (const { table, key } of JSON.parse(text) as Pick<RowGroup, 'table' | 'key'>[]) {
        const id = JSON.stringify([table, key, became]);
        const group = rows.get(id) ?? { table, key, ...became, count: 0 };
        group.count += 1;
        rows.set(id, group);
      }
    },
    calls: () => [...calls.values()],
    attempts: () => [...attempts.values()],
    costs: () => [...costs.values()],
    tableRows: () => [...rows.values()],
  };
}

/** Says nothing about attempts that called nobody where there were none. */
export function withoutNone<Group extends { untried?: number }>({ untried = 0, ...group }: Group) {
  return untried === 0 ? group : { ...group, untried };
}

/** SQL, for an alias of `attempts`: it ended before Telnyx was asked. Never null. */
export function neverAsked(attempt: string): string {
  return `(${attempt}.unsent and ${attempt}.verdict is not distinct from 'no_verdict')`;
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}
