import { expect, test } from 'vitest';
import type { CallEvent } from '../../src/core/machine/event.ts';
import type { FinishedSpan } from '../../src/tracing/span.ts';
import { createSpans } from '../../src/tracing/spans.ts';
import { aCall, anAttempt } from '../helpers/documents.ts';
import { webhook } from '../helpers/machine.ts';

const NOW = 5_000;
const session = { facts: { sessionId: 'session' } };

function spansOf(tell: (spans: ReturnType<typeof createSpans>) => void): FinishedSpan[] {
  const written: FinishedSpan[] = [];
  tell(
    createSpans(
      (span) => written.push(span),
      () => NOW,
    ),
  );
  return written;
}

test('the B-leg of a transfer shares the trace, below the caller; what it does, below the attempt', () => {
  const attempt = anAttempt('attempt', { kind: 'transfer', verdict: 'completed', endedAt: 4_000 });
  const caller = aCall('v3:caller', { ...session, attempts: [attempt] });
  const far = aCall('v3:far', { ...session, parentId: caller.id, endedAt: 4_500 });
  const bridged: CallEvent = {
    source: 'b_leg',
    id: 'event',
    callId: caller.id,
    type: 'call.bridged',
    receivedAt: 4_000,
    occurredAt: null,
    bLegId: far.id,
    attemptId: attempt.id,
    hangupCause: null,
    sipHangupCause: null,
  };
  const [onAttempt, ofAttempt, verdict, root] = spansOf((spans) => {
    spans.committed(bridged, null, caller, [{ kind: 'attempt_ended', attempt, corrected: false }]);
    const ended = { kind: 'ended', ends: 'ignored', how: 'hangup' } as const;
    spans.committed(webhook('call.hangup', { callId: far.id }), null, far, [ended]);
  }).filter(({ name }) => !name.startsWith('webhook'));
  expect(onAttempt?.name).toBe('B-leg call.bridged');
  expect(onAttempt?.parentSpanId).toBe(ofAttempt?.spanId);
  expect(verdict).toMatchObject({ parentSpanId: ofAttempt?.spanId, causedBy: onAttempt?.spanId });
  expect(root?.traceId).toBe(onAttempt?.traceId);
  expect(root?.parentSpanId).toBe(ofAttempt?.parentSpanId);
});

test('a corrected verdict is one more verdict, not the attempt again', () => {
  const attempt = anAttempt('attempt', { verdict: 'completed', endedAt: 4_000 });
  const call = aCall('v3:one', { attempts: [attempt] });
  const names = spansOf((spans) => {
    spans.committed(webhook('call.refer.completed'), null, call, [
      { kind: 'attempt_ended', attempt, corrected: true },
    ]);
  }).map(({ name }) => name);
  expect(names).toEqual(['webhook call.refer.completed', 'verdict completed']);
});

test('two replicas and a replay name a span alike, and different events differently', () => {
  const call = aCall('v3:one', session);
  const of = (id: string) =>
    spansOf((spans) =>
      spans.committed(webhook('call.answered', { id, callId: call.id }), null, call, []),
    );
  expect(of('a')).toEqual(of('a'));
  expect(of('a')[0]?.spanId).not.toBe(of('b')[0]?.spanId);
  expect(of('a')[0]?.traceId).toMatch(/^[\da-f]{32}$/);
  expect(of('a')[0]?.spanId).toMatch(/^[\da-f]{16}$/);
});

test('a command lasts from its first request; one that came too late is no error', () => {
  const call = aCall('v3:one');
  const outcome = (callEnded: boolean): CallEvent => ({
    source: 'outcome',
    id: 'outcome:command:2',
    callId: call.id,
    type: 'command.rejected',
    receivedAt: 3_000,
    occurredAt: null,
    commandId: 'command',
    legId: 'v3:one',
    action: 'hangup',
    firstSentAt: 1_000,
    outcome: {
      kind: 'rejected',
      status: 422,
      code: '90018',
      detail: 'Call has already ended',
      callEnded,
      notAnswered: false,
      misconfigured: null,
    },
  });
  const [late, refused] = spansOf((spans) => {
    spans.committed(outcome(true), null, call, []);
    spans.committed(outcome(false), null, call, []);
  });
  expect(late).toMatchObject({ kind: 'client', startedAt: 1_000, endedAt: 3_000, failure: null });
  expect(refused?.failure).toBe('rejected: Call has already ended');
});

test('an event that could not be stepped is an error in its call’s trace', () => {
  const [dead] = spansOf((spans) => spans.deadLetter(webhook('call.answered'), new Error('no')));
  expect(dead).toMatchObject({ name: 'webhook call.answered', failure: 'dead letter: no' });
});
