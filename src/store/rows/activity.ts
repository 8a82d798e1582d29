/** Rows of calls and attempts, gathered into the groups that charts and tables are made of. */
import type { Ends, Verdict } from '../../core/machine/call.ts';
import type { AttemptGroup, CallGroup } from '../store.ts';

export const MINUTE_MS = 60_000;

export interface Groups {
  call(call: { createdAt: number; rule: string | null; ends: Ends | null; attempts: number }): void;
  attempt(attempt: {
    startedAt: number;
    rule: string | null;
    target: string | null;
    verdict: Verdict | null;
    tookMs: number | null;
  }): void;
  calls(): CallGroup[];
  attempts(): AttemptGroup[];
}

export function createGroups(): Groups {
  const calls = new Map<string, CallGroup>();
  const attempts = new Map<string, AttemptGroup>();
  return {
    call({ createdAt, rule, ends, attempts: tried }) {
      const minute = minuteOf(createdAt);
      const key = JSON.stringify([minute, rule, ends, tried]);
      const group = calls.get(key) ?? { minute, rule, ends, attempts: tried, count: 0 };
      group.count += 1;
      calls.set(key, group);
    },
    attempt({ startedAt, rule, target, verdict, tookMs }) {
      const minute = minuteOf(startedAt);
      const key = JSON.stringify([minute, rule, target, verdict]);
      const group = attempts.get(key) ?? { minute, rule, target, verdict, count: 0, tookMs: [] };
      group.count += 1;
      if (tookMs !== null) group.tookMs.push(tookMs);
      attempts.set(key, group);
    },
    calls: () => [...calls.values()],
    attempts: () => [...attempts.values()],
  };
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}
