import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CallEvent } from '../../src/core/machine/event.ts';
import { createReport } from '../../src/engine/report.ts';
import { attemptJson } from '../../src/http/api/calls/calls-json.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import { aCall, anAttempt } from '../helpers/documents.ts';

let metrics: Metrics;
beforeEach(() => {
  metrics = createMetrics();
});
afterEach(() => metrics.close());

const call = aCall('v3:handler');
const event: CallEvent = {
  source: 'deadline',
  type: 'deadline.attempt',
  id: 'deadline:v3:handler:attempt:1',
  callId: call.id,
  occurredAt: null,
  receivedAt: 0,
  name: 'attempt',
  n: 1,
  putOff: false,
};

test('a handler that failed is counted and logged, and a decision without one is not', async () => {
  const lines: string[] = [];
  const report = createReport({ emit: (event) => void lines.push(event) }, metrics);
  report.committed(event, null, call, [{ kind: 'handler_warning', text: 'a.ts: threw' }]);
  expect(lines).toContain('handler.failed');
  expect(await metrics.text()).toMatch(/^referee_handler_failures_total 1$/m);

  report.committed(event, null, call, [
    { kind: 'decided', rule: 'a', routeSet: 'hash', why: 'to', trace: [] },
  ]);
  expect(await metrics.text()).toMatch(/^referee_handler_failures_total 1$/m);
});

test('a step that leads back has one error line of its own', () => {
  const lines: { event: string; reason: unknown }[] = [];
  const log = {
    emit: (event: string, fields: { reason?: unknown } = {}) =>
      void lines.push({ event, reason: fields.reason }),
  };
  const attempt = {
    ...anAttempt('a1'),
    verdict: 'rejected' as const,
    unsent: true,
    reason: 'loop: +14155550100 is the number that was called, and the call would come back',
  };
  const report = createReport(log, metrics);
  report.committed(event, null, call, [{ kind: 'attempt_ended', attempt, corrected: false }]);
  const errors = lines.filter(({ event }) => event === 'attempt.loop');
  expect(errors).toEqual([{ event: 'attempt.loop', reason: attempt.reason }]);
  const budget = { ...attempt, reason: 'policy transfers.per_call: 2 of 2 used' };
  report.committed(event, null, call, [
    { kind: 'attempt_ended', attempt: budget, corrected: false },
  ]);
  expect(lines.filter(({ event }) => event === 'attempt.loop')).toHaveLength(1);
});

test.each([
  ['policy refers.per_hour: 100 used in the last hour', 'refers.per_hour'],
  ['policy transfers.per_call: 2 of 2 used', 'transfers.per_call'],
  ['the policy allows no such address', null],
])('an attempt is counted by the budget that stopped it, once: %s', async (reason, budget) => {
  const attempt = { ...anAttempt('a1'), verdict: 'rejected' as const, unsent: true, reason };
  const report = createReport({ emit: () => {} }, metrics);
  report.committed(event, null, call, [{ kind: 'attempt_ended', attempt, corrected: false }]);
  report.committed(event, null, call, [{ kind: 'attempt_ended', attempt, corrected: true }]);
  const counted = /^referee_budget_refusals_total\{budget="(.*)"\} 1$/m.exec(await metrics.text());
  expect(counted?.[1] ?? null).toBe(budget);
});

test.each([
  ['unknown', 'call.contradiction', 'contradiction'],
  ['ended', 'call.contradiction', 'found_dead'],
  [null, 'call.found_dead', 'found_dead'],
] as const)('a call that is over, contradicting an event: %s', async (contradicts, line, what) => {
  const lines: string[] = [];
  const report = createReport({ emit: (event) => void lines.push(event) }, metrics);
  const notice = { kind: 'found_dead', phase: 'referring', how: '422', contradicts } as const;
  report.committed(event, null, call, [notice]);
  expect(lines).toContain(line);
  expect(await metrics.text()).toContain(`referee_reconciliations_total{what="${what}"} 1`);
});

test('why a rule was chosen does not say in the log what the caller pressed', () => {
  const whys: unknown[] = [];
  const log = { emit: (_: string, fields: { why?: unknown } = {}) => void whys.push(fields.why) };
  const why =
    'to: +14155550100 is in list:ours; digits: 4711; not (any: none of (digits: 4711 is none of 1, 2))';
  createReport(log, metrics).committed(event, null, call, [
    { kind: 'decided', rule: 'a', routeSet: 'hash', why, trace: [] },
  ]);
  const [told] = whys.filter((each) => each !== undefined);
  expect(told).toMatch(/^to: \+14155550100 is in list:ours; digits: \[digits\]; not /);
  expect(told).not.toContain('4711');
});

test('the log and the API give a transfer advice about its B-leg, if Telnyx began one', () => {
  const verdict = 'no_verdict' as const;
  const causesOf = (acceptedAt: number | null) => {
    const causes: unknown[] = [];
    const log = {
      emit: (event: string, fields: { cause?: unknown } = {}) =>
        void (event.startsWith('attempt.') && causes.push(fields.cause)),
    };
    const attempt = anAttempt('a1', { kind: 'transfer', target: null, verdict, acceptedAt });
    createReport(log, metrics).committed(event, null, call, [
      { kind: 'attempt_ended', attempt, corrected: false },
    ]);
    return [...causes, attemptJson(attempt).advice?.cause];
  };
  const [logged, told] = causesOf(1_000);
  expect(logged).toContain('B-leg');
  expect(told).toBe(logged);
  const [unclear, unclearTold] = causesOf(null);
  expect(unclear).toContain('failure at Telnyx');
  expect(unclearTold).toBe(unclear);
});
