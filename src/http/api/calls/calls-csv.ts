/** Calls and lost callers as CSV. */
import type { lostCallerJson } from '../../../engine/recovery/json.ts';
import { type Column, csvText, members } from '../csv.ts';
import type { CallSummary } from './calls-json.ts';

const CALLS: readonly Column<CallSummary>[] = [
  ...members<CallSummary>('call_control_id', 'created_at', 'ended_at', 'direction', 'from', 'to'),
  ...members<CallSummary>('outcome', 'summary', 'rule'),
  { name: 'last_target', value: ({ attempts }) => attempts.at(-1)?.target ?? null },
  { name: 'last_verdict', value: ({ attempts }) => attempts.at(-1)?.verdict ?? null },
  { name: 'attempts', value: ({ attempts }) => attempts.length },
  ...members<CallSummary>('phase', 'ends'),
  { name: 'cost', value: ({ cost }) => cost?.amount ?? null },
  { name: 'currency', value: ({ cost }) => cost?.currency ?? null },
  ...members<CallSummary>('call_session_id', 'parent_call_control_id'),
];

export function callsCsv({ calls }: { calls: readonly CallSummary[] }): string {
  return csvText(CALLS, calls);
}

type LostCaller = ReturnType<typeof lostCallerJson>;

const LOST_CALLERS = members<LostCaller>('call_control_id', 'at', 'from', 'to');

export function lostCallersCsv({ lost_callers }: { lost_callers: readonly LostCaller[] }): string {
  return csvText(LOST_CALLERS, lost_callers);
}
