/** When a target counts as down, and when it is tried again. */
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../../src/core/machine/call.ts';
import {
  noteRefusal,
  refusalOf,
  refusals,
} from '../../../../src/core/rules/targets/refer-refusals.ts';
import {
  type Health,
  letThrough,
  observe,
  restState,
  standingOf,
  tidied,
} from '../../../../src/core/rules/targets/rest.ts';
import { type Evidence, evidenceOf } from '../../../../src/core/rules/targets/rest-evidence.ts';
import { aCall, anAttempt } from '../../../helpers/documents.ts';

const T0 = Date.parse('2026-03-02T12:00:00Z');

/** Observations, each a second after the one before. */
function healthAfter(seen: string, from?: Health, at = T0): Health {
  let health = from;
  [...seen].forEach((letter, n) => {
    const now = at + n * 1_000;
    const evidence: Evidence = letter === 'f' ? 'failed' : letter === 'q' ? 'quiet' : 'answered';
    const verdict = letter === 'f' ? 'server_error' : 'completed';
    health = observe(
      health,
      { target: 'a', evidence, verdict, at: now, startedAt: now, count: 1 },
      now,
    );
  });
  if (health === undefined) throw new Error('nothing was seen');
  return health;
}

const standing = (health: Health, now: number, callId = 'c') =>
  standingOf('a', { targets: { a: health }, refuses: {} }, {}, { now, callId, rests: true });

describe('what an attempt says of its target', () => {
  it.each<[Evidence | null, Partial<Attempt>]>([
    ['failed', { verdict: 'server_error' }],
    ['failed', { verdict: 'no_verdict', acceptedAt: 1 }],
    ['failed', { verdict: 'other', reason: 'call.refer.failed without a code' }],
    ['failed', { verdict: 'other', kind: 'transfer', reason: 'B-leg: unspecified' }],
    // Telnyx gave no clear answer, which is not the target's fault.
    [null, { verdict: 'no_verdict', acceptedAt: null }],
    // It keeps ringing, so the target works.
    ['answered', { verdict: 'no_verdict', acceptedAt: 1, progress: true }],
    ['answered', { verdict: 'no_verdict', acceptedAt: 1, progress: true, sipNotifyResponse: 180 }],
    ['answered', { verdict: 'no_verdict', acceptedAt: 1, progress: true, sipNotifyResponse: 183 }],
    // The caller's own side sends a 100 as soon as it takes a REFER; the target sent nothing.
    ['failed', { verdict: 'no_verdict', acceptedAt: 1, progress: true, sipNotifyResponse: 100 }],
    [null, { verdict: 'abandoned', progress: true, sipNotifyResponse: 100 }],
    ['answered', { verdict: 'abandoned', progress: true, sipNotifyResponse: 180 }],
    ['answered', { verdict: 'no_answer', progress: true, sipNotifyResponse: 480 }],
    ['answered', { verdict: 'busy' }],
    ['answered', { verdict: 'declined' }],
    ['answered', { verdict: 'not_found' }],
    ['answered', { verdict: 'completed' }],
    ['answered', { verdict: 'other', sipNotifyResponse: 400, reason: 'call.refer.failed 400' }],
    ['answered', { verdict: 'no_answer', progress: true }],
    ['quiet', { verdict: 'no_answer' }],
    [null, { verdict: 'not_allowed' }],
    ['answered', { verdict: 'not_allowed', kind: 'transfer' }],
    [null, { verdict: 'rejected' }],
    [null, { verdict: 'skipped', unsent: true }],
    [null, { verdict: 'abandoned' }],
    [null, { verdict: null }],
  ])('%s: %j', (evidence, given) => {
    expect(evidenceOf(aCall('c'), anAttempt('x', given))).toBe(evidence);
  });

  it('says nothing where the leg ended or patience ran out before the verdict', () => {
    const silent = anAttempt('x', { verdict: 'no_verdict', acceptedAt: 1 });
    expect(evidenceOf(aCall('c', { phase: 'ended' }), silent)).toBeNull();
    expect(evidenceOf(aCall('c', { patienceOver: true }), silent)).toBeNull();
    const tried = anAttempt('x', { ...silent, progress: true, sipNotifyResponse: 100 });
    expect(evidenceOf(aCall('c', { phase: 'ended' }), tried)).toBeNull();
  });
});

describe('going to rest', () => {
  it('takes five failures in a row', () => {
    expect(healthAfter('ffff').rest).toBeNull();
    expect(healthAfter('fffagffff').rest).toBeNull();
    expect(healthAfter('ffffqffff').rest).toBeNull();
    expect(healthAfter('fffff').rest).toMatchObject({
      since: T0 + 4_000,
      why: '5 failures in a row, the last: server error',
      nextTryAt: T0 + 34_000,
    });
  });

  it('takes half of at least twenty attempts of five minutes', () => {
    expect(healthAfter('af'.repeat(9)).rest).toBeNull();
    expect(healthAfter('af'.repeat(10)).rest?.why).toContain(
      '10 of 20 attempts within five minutes failed',
    );
    expect(healthAfter('aaf'.repeat(20)).rest).toBeNull();
    // Failures older than five minutes do not count.
    expect(
      healthAfter('af'.repeat(5), healthAfter('af'.repeat(9)), T0 + 10 * 60_000).rest,
    ).toBeNull();
  });

  it('never comes of answers, however many fail the caller', () => {
    expect(healthAfter('q'.repeat(200)).rest).toBeNull();
    expect(healthAfter('a'.repeat(200)).rest).toBeNull();
  });

  it('does not begin because answers are reported late', () => {
    const health = healthAfter('ffff');
    const told = { target: 'a', verdict: 'completed' as const, evidence: 'answered' as const };
    const late = observe(health, { ...told, at: T0 - 1, startedAt: T0 - 1, count: 3 }, T0 + 9_000);
    expect(late.inRow).toBe(4);
  });
});

describe('while it rests', () => {
  const down = healthAfter('fffff');
  const since = down.rest?.since ?? 0;

  it('one caller is let through after 30 s, then after 1, 2 and 5 minutes', () => {
    let health = down;
    let now = since;
    for (const secs of [30, 60, 120, 300, 300]) {
      expect(standing(health, now + secs * 1_000 - 1)).toMatchObject({
        why: expect.stringContaining(
          'a has been resting since 2026-03-02 12:00:04 UTC (5 failures in a row',
        ),
      });
      now += secs * 1_000;
      expect(standing(health, now)).toBe('due');
      health = letThrough(health, 'c', now);
      // A replica that was allowed to try may ask again, because its commit may have lost a race.
      expect(standing(health, now + 1)).toBe('awake');
      expect(standing(health, now + 1, 'another')).toHaveProperty('why');
    }
  });

  it('an answer to an attempt that began since wakes it, a late one of before does not', () => {
    const seen = { target: 'a', verdict: 'busy' as const, evidence: 'answered' as const, count: 1 };
    const at = since + 31_000;
    expect(observe(down, { ...seen, at, startedAt: since - 1 }, at).rest).not.toBeNull();
    expect(
      observe(down, { ...seen, evidence: 'quiet', at, startedAt: at }, at).rest,
    ).not.toBeNull();
    const awake = observe(down, { ...seen, at, startedAt: since + 30_000 }, at);
    expect(awake).toMatchObject({ rest: null, inRow: 0, slots: [] });
    // If it is down again soon, it begins with the next longer wait; after ten minutes, with the
    // first.
    const soon = healthAfter('fffff', awake, at + 60_000).rest;
    expect((soon?.nextTryAt ?? 0) - (soon?.since ?? 0)).toBe(60_000);
    const later = healthAfter('fffff', awake, at + 11 * 60_000).rest;
    expect((later?.nextTryAt ?? 0) - (later?.since ?? 0)).toBe(30_000);
  });

  it('an operator is stronger: forced awake it is tried, forced to rest it is not', () => {
    const at = { now: since, callId: 'c', rests: true };
    const state = { targets: { a: down }, refuses: {} };
    const forced = (rest: boolean) => ({
      targets: { a: { rest, untilMs: since + 1, by: 'anna', reason: 'new firmware' } },
    });
    expect(standingOf('a', state, forced(false), at)).toBe('awake');
    expect(standingOf('a', restState(null), forced(true), { ...at, rests: false })).toEqual({
      why: 'a was put to rest by anna until 2026-03-02 12:00:04 UTC (new firmware)',
    });
    expect(standingOf('a', restState(null), forced(true), { ...at, now: since + 1 })).toBe('awake');
    expect(standingOf('a', state, {}, { ...at, rests: false })).toBe('awake');
  });
});

describe('the state', () => {
  it('holds nothing of a target that is healthy again', () => {
    const state = { targets: { a: healthAfter('fa') }, refuses: {} };
    expect(tidied(state, T0 + 60_000).targets).toHaveProperty('a');
    expect(tidied(state, T0 + 6 * 60_000).targets).toEqual({});
  });

  it('remembers a refused REFER for a day, a thousand of them', () => {
    let state = noteRefusal(restState(null), '123', 'pbx main', T0);
    expect(refusalOf(state, '123', 'pbx main', T0 + 86_399_999)).toContain('405');
    expect(refusalOf(state, '123', 'pbx main', T0 + 86_400_000)).toBeNull();
    expect(refusalOf(state, '124', 'pbx main', T0)).toBeNull();
    expect(refusals(state, T0)).toEqual([
      { connection: '123', target: 'pbx main', until: T0 + 86_400_000 },
    ]);
    for (let n = 0; n < 1_001; n += 1) state = noteRefusal(state, `c${n}`, 'a', T0 + 1);
    expect(Object.keys(state.refuses)).toHaveLength(1_000);
    expect(refusalOf(state, '123', 'pbx main', T0 + 1)).toBeNull();
  });
});

describe('a clock that was set back by an hour', () => {
  const HOUR_MS = 3_600_000;

  it('does not let a target rest until the old time is reached again', () => {
    const down = healthAfter('fffff', undefined, T0 + HOUR_MS);
    expect(standing(down, T0)).toBe('due');
    const tried = letThrough(down, 'first', T0);
    expect(standing(tried, T0 + 1_000, 'first')).toBe('awake');
    expect(standing(tried, T0 + 1_000, 'second')).toMatchObject({ why: expect.any(String) });
    expect(standing(tried, T0 + 60_000, 'second')).toBe('due');
    expect(healthAfter('a', tried, T0 + 2_000).rest).toBeNull();
  });

  it('does not hide an answer between failures', () => {
    const failing = healthAfter('ffff', undefined, T0 + HOUR_MS);
    expect(healthAfter('af', failing, T0).rest).toBeNull();
  });
});
