/** The columns of calls and lost callers as CSV. */
import type { lostCallerJson } from '../../engine/recovery/json.ts';
import type { CallSummary } from './calls-json.ts';
import { type Column, csvText } from './csv.ts';

const CALLS: readonly Column<CallSummary>[] = [
  { name: 'call_control_id', value: (call) => call.call_control_id },
  { name: 'created_at', value: (call) => call.created_at },
  { name: 'ended_at', value: (call) => call.ended_at },
  { name: 'direction', value: (call) => call.direction },
  { name: 'from', value: (call) => call.from },
  { name: 'to', value: (call) => call.to },
  { name: 'outcome', value: (call) => call.outcome },
  { name: 'summary', value: (call) => call.summary },
  { name: 'rule', value: (call) => call.rule },
  { name: 'last_target', value: ({ attempts }) => attempts.at(-1)?.target ?? null },
  { name: 'last_verdict', value: ({ attempts }) => attempts.at(-1)?.verdict ?? null },
  { name: 'attempts', value: ({ attempts }) => attempts.length },
  { name: 'phase', value: (call) => call.phase },
  { name: 'ends', value: (call) => call.ends },
  { name: 'cost', value: ({ cost }) => cost?.amount ?? null },
  { name: 'currency', value: ({ cost }) => cost?.currency ?? null },
  { name: 'call_session_id', value: (call) => call.call_session_id },
  { name: 'parent_call_control_id', value: (call) => call.parent_call_control_id },
];

export function callsCsv(calls: readonly CallSummary[]): string {
  return csvText(CALLS, calls);
}

type LostCaller = ReturnType<typeof lostCallerJson>;

const LOST_CALLERS: readonly Column<LostCaller>[] = [
  { name: 'call_control_id', value: (lost) => lost.call_control_id },
  { name: 'at', value: (lost) => lost.at },
  { name: 'from', value: (lost) => lost.from },
  { name: 'to', value: (lost) => lost.to },
];

export function lostCallersCsv(lost: readonly LostCaller[]): string {
  return csvText(LOST_CALLERS, lost);
}
