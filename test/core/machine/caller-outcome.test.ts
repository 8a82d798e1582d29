/** The outcome for the caller: every end, with and without attempts, and the sentences. */
import { describe, expect, test } from 'vitest';
import { type Attempt, type Call, ENDS, PHASES } from '../../../src/core/machine/call.ts';
import {
  CALLER_OUTCOMES,
  callerOutcome,
  outcomeOfCall,
  summaryOf,
} from '../../../src/core/machine/caller-outcome.ts';
import { VERDICTS } from '../../../src/core/machine/verdict.ts';
import { aCall, anAttempt } from '../../helpers/documents.ts';

describe('every end', () => {
  test.each([
    ['referred', 'reached', 'reached'],
    ['transferred', 'reached', 'reached'],
    ['failed', 'not_reached', 'not_reached'],
    ['missed', 'not_reached', 'not_reached'],
    ['hung_up', 'turned_away', 'not_reached'],
    ['rejected', 'turned_away', 'not_reached'],
    ['abandoned', 'gave_up', 'gave_up'],
    ['unconfirmed', 'unsure', 'unsure'],
    ['ignored', 'not_ours', 'not_ours'],
  ] as const)('%s is %s without an attempt, %s with one', (ends, without, withOne) => {
    expect([0, 1, 3].map((attempts) => callerOutcome(ends, attempts))).toEqual([
      without,
      withOne,
      withOne,
    ]);
  });

  test('the table names every end and meets every outcome', () => {
    const met = new Set(ENDS.flatMap((ends) => [0, 1].map((n) => callerOutcome(ends, n))));
    expect([...met].toSorted()).toEqual([...CALLER_OUTCOMES].toSorted());
  });

  test('a live call has none, nor has the far end of a transfer', () => {
    expect(callerOutcome(null, 2)).toBe(null);
    expect(outcomeOfCall(ended('ignored', [], { parentId: 'v3:caller' }))).toBe(null);
  });
});

const T0 = Date.parse('2026-03-02T15:00:00Z');

function tried(target: string | null, verdict: Attempt['verdict'], more: Partial<Attempt> = {}) {
  const endedAt = verdict === null ? null : T0 + 1_400;
  return anAttempt(`a-${target}-${verdict}`, { target, verdict, endedAt, unsent: false, ...more });
}

function ended(ends: Call['ends'], attempts: Attempt[], more: Partial<Call> = {}): Call {
  const shared = { phase: 'ended' as const, decided: true, rule: 'support', createdAt: T0 };
  return aCall('v3:a', { ...shared, endedAt: T0 + 42_000, ends, attempts, ...more });
}

describe('the sentence', () => {
  const busy = tried('support-us', 'busy');

  test.each<[string, Call]>([
    [
      'Reached support-eu after 1.4 s: support-us was busy.',
      ended('referred', [busy, tried('support-eu', 'completed')]),
    ],
    [
      // The last NOTIFY came half a minute after the hangup.
      'Reached support-eu after 42 s.',
      ended('referred', [tried('support-eu', 'completed', { endedAt: T0 + 70_000 })]),
    ],
    ['Reached support-eu after 1.4 s.', ended('transferred', [tried('support-eu', 'completed')])],
    ['Not reached after 42 s: support-us was busy.', ended('hung_up', [busy])],
    [
      'Not reached after 2 min 5 s: support-us was busy, support-eu did not answer.',
      ended('failed', [busy, tried('support-eu', 'no_answer')], { endedAt: T0 + 125_000 }),
    ],
    ['Not reached after 42 s: nobody could be tried.', ended('failed', [])],
    ['Not reached: they had gone before we heard of them.', ended('missed', [])],
    ['Gave up after 42 s before anybody was tried.', ended('abandoned', [])],
    [
      'Gave up after 42 s, waiting for support-eu: support-us was busy.',
      ended('abandoned', [busy, tried('support-eu', 'abandoned')]),
    ],
    ['Gave up after 42 s: support-us was busy.', ended('abandoned', [busy])],
    [
      'Perhaps reached support-eu, which never confirmed it: support-us was busy.',
      ended('unconfirmed', [busy, tried('support-eu', 'no_verdict')]),
    ],
    [
      // Whoever refused the move: the caller's side, or the target.
      'Reached support-eu after 1.4 s: support-us was refused as a destination.',
      ended('referred', [tried('support-us', 'not_allowed'), tried('support-eu', 'completed')]),
    ],
    ['Turned away after 42 s by the rule "support".', ended('rejected', [])],
    [
      'Turned away after 42 s: Telnyx refused to answer the call.',
      ended('hung_up', [], { answerRefused: true }),
    ],
    [
      'Turned away after 42 s: an operator hung up.',
      ended('hung_up', [], { releasedByOperator: true }),
    ],
    [
      'Not reached after 42 s: support-us was busy; an operator hung up.',
      ended('hung_up', [busy], { releasedByOperator: true }),
    ],
    ['Turned away after 42 s: no rule matched this call.', ended('hung_up', [], { rule: null })],
    ['Left to another application.', ended('ignored', [])],
    [
      'Reached anna@pbx.example.com after 1.4 s.',
      ended('referred', [
        tried(null, 'completed', { sipAddress: 'sip:anna@pbx.example.com;transport=tls' }),
      ]),
    ],
    [
      'Not reached after 42 s: 1 earlier try, then b was busy, c was busy, d was not tried.',
      ended('failed', [
        ...['a', 'b', 'c'].map((name) => tried(name, 'busy')),
        tried('d', 'rejected', { unsent: true }),
      ]),
    ],
    [
      // Telnyx gave no clear answer to the first move; the second was accepted.
      'Not reached after 42 s: support-us may not have been tried, support-eu never reported the result.',
      ended('failed', [
        tried('support-us', 'no_verdict'),
        tried('support-eu', 'no_verdict', { acceptedAt: T0 }),
      ]),
    ],
    [
      'Reached support-eu after 1.4 s: support-us was not tried.',
      ended('referred', [
        tried('support-us', 'no_verdict', { unsent: true }),
        // It kept its turn, so these three are one.
        tried('support-eu', 'no_verdict', { unsent: true }),
        tried('support-eu', 'no_verdict', { unsent: true }),
        tried('support-eu', 'completed'),
      ]),
    ],
    [
      'The far end of a transfer: see the call of its caller.',
      ended('ignored', [], { parentId: 'v3:caller' }),
    ],
  ])('%s', (sentence, call) => {
    expect(summaryOf(call)).toBe(sentence);
  });

  const live = (phase: Call['phase'], attempts: Attempt[] = []): Call =>
    ended(null, attempts, { phase, endedAt: null });

  test.each<[string, Call]>([
    ['Just came in, nothing is decided yet.', live('new')],
    [
      'On the way to support-eu: support-us was busy.',
      live('referring', [busy, tried('support-eu', null, { progress: false })]),
    ],
    [
      'Ringing at support-eu.',
      live('referring', [tried('support-eu', null, { progress: true, sipNotifyResponse: 180 })]),
    ],
    ...[100, 183, null].map((sipNotifyResponse): [string, Call] => [
      'Calling support-eu.',
      live('referring', [tried('support-eu', null, { progress: true, sipNotifyResponse })]),
    ]),
    [
      'Calling +14155550199.',
      live('transferring', [tried('+14155550199', null, { kind: 'transfer', progress: true })]),
    ],
    [
      'Picked up at +14155550199.',
      live('transferring', [
        tried('+14155550199', null, { kind: 'transfer', progress: true, bLegAnswered: true }),
      ]),
    ],
    ['Hearing a message: support-us was busy.', live('speaking', [busy])],
    [
      'Reached support-eu after 1.4 s; they are talking.',
      live('bridged', [tried('support-eu', 'completed')]),
    ],
  ])('of a live call: %s', (sentence, call) => {
    expect(summaryOf(call)).toBe(sentence);
  });

  test('there is one for every phase, end and verdict', () => {
    const calls = [
      ...PHASES.map((phase) => live(phase)),
      ...ENDS.flatMap((ends) => VERDICTS.map((verdict) => ended(ends, [tried('x', verdict)]))),
    ];
    for (const call of calls) expect(summaryOf(call)).toMatch(/^[A-Z].*[^. ]\.$/);
  });
});
