import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StoreUnavailable, TooBusy } from '../../../../src/errors.ts';
import { failingTargets } from '../../../../src/http/api/problems/problem-kinds.ts';
import { sharedActivity } from '../../../../src/http/api/stats/stats.ts';
import { statsJson } from '../../../../src/http/api/stats/stats-json.ts';
import { PROBLEMS, STATS } from '../../../../src/http/api/stats/stats-schemas.ts';
import { HTTP_LIMITS } from '../../../../src/http/limits.ts';
import { onceUntilRecovered } from '../../../../src/log/once.ts';
import { watchTroubles } from '../../../../src/log/troubles.ts';
import type { Activity } from '../../../../src/store/contract/activity.ts';
import { aCall, anAttempt, aUnit } from '../../../helpers/documents.ts';
import { type ServedApp, serveApp } from '../../../helpers/served-app.ts';

const now = Date.now();
const CLOCK = { now: Date.now, monotonic: () => performance.now() };
const troubles = watchTroubles({ emit: () => {} }, CLOCK);
let app: ServedApp;
beforeAll(async () => {
  app = await serveApp({
    deps: { troubles: { instance: 'this', here: () => troubles.recent() } },
  });
  const cost = (legId: string, part: string, amount: string) => ({
    legId,
    eventId: 'e',
    part,
    currency: 'USD',
    amount,
  });
  const call = (id: string, verdicts: ('completed' | 'busy' | 'abandoned')[], target: string) =>
    aUnit(
      aCall(id, {
        createdAt: now - 60_000,
        endedAt: now,
        phase: 'ended',
        ends: verdicts.includes('completed') ? 'referred' : 'failed',
        rule: 'support',
        costs: [cost(id, 'call-control', '0.0020'), cost(id, 'sip-trunking', '0.1022')],
        attempts: verdicts.map((verdict, n) =>
          anAttempt(`${id}-${n}`, {
            target,
            verdict,
            startedAt: now - 60_000,
            acceptedAt: now - 59_000,
            endedAt: now - 59_000 + (n + 1) * 1_000,
          }),
        ),
      }),
      0,
    );
  await app.store.commit(
    [
      call('one', ['completed'], 'good'),
      call('two', ['busy', 'completed'], 'good'),
      call('three', ['busy', 'busy', 'busy', 'abandoned'], 'failing'),
      aUnit(aCall('alive', { createdAt: now - 30_000, phase: 'bridged' }), 0),
      aUnit(aCall('old', { createdAt: now - 2 * 3_600_000, phase: 'ended', ends: 'failed' }), 0),
    ],
    null,
  );
});
afterAll(() => app.close());

async function stats(query = '') {
  return Value.Parse(STATS, await (await app.api(`/v1/stats${query}`)).json());
}

async function problems() {
  return Value.Parse(PROBLEMS, await (await app.api('/v1/problems')).json()).problems;
}

describe('the numbers', () => {
  test('count no attempt at a target that was skipped, in total as by target', () => {
    const group = { minute: 0, rule: 'support', kind: 'refer' as const, tookMs: [] };
    const numbers = statsJson({
      now,
      since: now,
      live: [],
      calls: [{ minute: 0, rule: 'support', ends: 'referred', attempts: 2, untried: 1, count: 3 }],
      attempts: [
        { ...group, target: 'down', verdict: 'skipped', count: 3 },
        { ...group, target: 'good', verdict: 'completed', count: 3 },
      ],
      costs: [],
      rows: [{ table: 'lines', key: 'a', ends: 'referred', attempts: 3, untried: 1, count: 2 }],
    });
    expect(numbers.calls).toMatchObject({ moved: 3, attempts_per_call: 1 });
    expect(numbers.rules).toMatchObject([{ rule: 'support', attempts_per_call: 1 }]);
    expect(numbers.tables).toMatchObject([
      { attempts_per_call: 2, rows: [{ attempts_per_call: 2 }] },
    ]);
    expect(numbers.attempts).toMatchObject({ total: 3, success_rate: 1 });
    expect(numbers.attempts.by_verdict).toContainEqual({ verdict: 'skipped', count: 3 });
    expect(numbers.targets.map(({ target, attempts }) => [target, attempts])).toEqual(
      expect.arrayContaining([
        ['down', 0],
        ['good', 3],
      ]),
    );
  });

  test('and their order do not depend on the order in which the store returns groups', () => {
    const group = { minute: 0, tookMs: [], count: 2 };
    const attempts: Activity['attempts'] = [
      { ...group, kind: 'refer', rule: 'b', target: 'y', verdict: 'not_found' },
      { ...group, kind: 'transfer', rule: 'a', target: 'x', verdict: 'busy' },
      { ...group, kind: 'refer', rule: null, target: null, verdict: null },
    ];
    const calls: Activity['calls'] = [
      { ...group, rule: 'b', ends: 'failed', attempts: 1 },
      { ...group, rule: 'a', ends: 'abandoned', attempts: 1 },
      { ...group, rule: null, ends: null, attempts: 1 },
    ];
    const live: Activity['live'] = [
      { phase: 'answering', count: 1 },
      { phase: 'bridged', count: 2 },
    ];
    const activity = { now, since: now, live, costs: [], rows: [], calls, attempts };
    const turned = {
      ...activity,
      live: live.toReversed(),
      calls: calls.toReversed(),
      attempts: attempts.toReversed(),
    };
    expect(JSON.stringify(statsJson(turned))).toBe(JSON.stringify(statsJson(activity)));
    const failing = (of: Activity) =>
      failingTargets({
        ...of,
        attempts: of.attempts.map((own) => ({
          ...own,
          verdict: own.verdict ?? 'other',
          target: 'x',
        })),
      });
    expect(failing(turned)).toEqual(failing(activity));
  });

  test('of the last hour: calls, arrivals, verdicts, times, by rule and by target', async () => {
    const all = await stats();
    expect(all.live).toEqual({ total: 1, by_phase: [{ phase: 'bridged', count: 1 }] });
    expect(all.calls).toMatchObject({
      total: 4,
      moved: 3,
      arrived: 2,
      not_arrived: 1,
      arrival_rate: 0.667,
      attempts_per_call: 2.333,
    });
    expect(all.attempts).toMatchObject({ total: 7, success_rate: 0.333 });
    expect(all.attempts.by_verdict[0]).toEqual({ verdict: 'busy', count: 4 });
    expect(all.rules.find(({ rule }) => rule === 'support')).toMatchObject({ calls: 3, moved: 3 });
    expect(all.targets).toMatchObject([
      { target: 'failing', attempts: 4, success_rate: 0 },
      { target: 'good', attempts: 3, success_rate: 0.667, median_verdict_ms: 1_000 },
    ]);
    const completed = all.minutes.reduce((sum, minute) => sum + minute.completed, 0);
    expect(completed).toBe(2);
  });

  test('of what the calls cost: exact sums, by rule and by target', async () => {
    const all = await stats();
    expect(all.calls.costs).toEqual([{ currency: 'USD', amount: '0.3126' }]);
    expect(all.rules.map(({ rule, costs }) => [rule, costs])).toEqual([
      ['support', [{ currency: 'USD', amount: '0.3126' }]],
      [null, []],
    ]);
    expect(all.targets.map(({ target, costs }) => [target, costs])).toEqual([
      ['failing', [{ currency: 'USD', amount: '0.1042' }]],
      ['good', [{ currency: 'USD', amount: '0.2084' }]],
    ]);
  });

  test('from another time on', async () => {
    const since = new Date(now - 3 * 3_600_000).toISOString();
    expect((await stats(`?since=${since}`)).calls.total).toBe(5);
    expect((await app.api('/v1/stats?since=yesterday')).status).toBe(400);
  });

  test('of a time before what they cover are refused, not cut', async () => {
    const answer = await app.api(
      `/v1/stats?since=${new Date(Date.now() - 25 * 3_600_000).toISOString()}`,
    );
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      field: 'since',
      detail: expect.stringMatching(/is before .*Z; statistics cover the last 24 hours/),
    });
    const day = new Date(Date.now() - 24 * 3_600_000).toISOString();
    expect((await app.api(`/v1/stats?since=${day}`)).status).toBe(200);
  });

  test('need the token', async () => {
    for (const path of ['/v1/stats', '/v1/problems']) {
      expect((await fetch(`${app.url}${path}`)).status).toBe(401);
    }
  });
});

describe('problems', () => {
  test('a target that fails more than half of its attempts, with the likely cause and fix', async () => {
    expect(await problems()).toMatchObject([
      {
        kind: 'target.failing',
        severity: 'error',
        target: 'failing',
        title: 'None of 3 attempts at failing in the last hour completed',
        detail: expect.stringContaining('3 busy'),
        fix: expect.stringContaining('if_failed'),
      },
    ]);
  });

  test.each([
    ['transfer', 'transfer', /The called side refuses the call/, /REFER/],
    ['refer', 'refer', /The caller's side refuses the REFER/, /called side/],
    // The way that failed most often.
    ['transfer', 'refer', /The called side refuses the call/, /REFER/],
  ] as const)(
    'a target that fails by %s, and once by %s: the advice is about the former',
    (usual, once, said, unsaid) => {
      const group = {
        rule: 'support',
        target: 'desk',
        verdict: 'not_allowed' as const,
        tookMs: [],
      };
      const [problem] = failingTargets({
        now,
        since: now,
        live: [],
        calls: [],
        attempts: [
          { ...group, minute: 0, kind: once, count: 2 },
          { ...group, minute: 1, kind: usual, count: 1 },
          { ...group, minute: 2, kind: usual, count: 2 },
        ],
        costs: [],
        rows: [],
      });
      expect(problem).toMatchObject({
        count: 5,
        detail: expect.stringMatching(/^5 not_allowed\. /),
      });
      expect(problem?.detail).toMatch(said);
      expect(`${problem?.detail} ${problem?.fix}`).not.toMatch(unsaid);
    },
  );

  test('what was logged as trouble, counted by reason, with its fix', async () => {
    for (const count of [1, 7]) {
      troubles.log.emit('webhook.refused', { reason: 'signature_wrong', count, fix: 'the key' });
    }
    troubles.log.emit('call.ended', {});
    expect(await problems()).toContainEqual(
      expect.objectContaining({
        kind: 'webhook.refused',
        severity: 'warning',
        title: 'Webhooks were refused: signature_wrong',
        count: 8,
        fix: 'the key',
        replica: null,
      }),
    );
  });

  test('of another replica, by its heartbeat, as long as it lives', async () => {
    const seen = [{ kind: 'webhook.clock_skew', severity: 'warning', title: 'The clock is off' }];
    const beat = { startedAt: now, routeSet: app.set.hash, refusal: null, troubles: seen };
    await app.store.heartbeat({ id: 'other', ...beat });
    await app.store.heartbeat({ id: 'this', ...beat });
    expect((await problems()).filter(({ title }) => title === 'The clock is off')).toMatchObject([
      { kind: 'webhook.clock_skew', replica: 'other', detail: null },
    ]);
  });

  test('a replica that runs another route set, or refused a reload', async () => {
    const beat = { startedAt: now, troubles: [] };
    await app.store.heartbeat({ id: 'apart', ...beat, routeSet: 'another', refusal: null });
    await app.store.heartbeat({
      id: 'refusing',
      ...beat,
      routeSet: app.set.hash,
      refusal: 'a word',
    });
    const kinds = new Map((await problems()).map(({ replica, kind }) => [replica, kind]));
    expect([kinds.get('apart'), kinds.get('refusing')]).toEqual([
      'routes.differ',
      'routes.refused',
    ]);
  });

  test('a reload that replicas refuse for the same reason is one problem', async () => {
    const beat = { startedAt: now, troubles: [], routeSet: app.set.hash, refusal: 'the same' };
    await app.store.heartbeat({ id: 'one', ...beat });
    await app.store.heartbeat({ id: 'two', ...beat });
    const refusals = (await problems()).filter(({ detail }) => detail === 'the same');
    expect(refusals).toMatchObject([{ kind: 'routes.refused' }]);
  });

  test('a store that reads too many lists at once is busy, not away', async () => {
    const busy = vi.spyOn(app.store, 'outbox').mockRejectedValue(new TooBusy('four lists'));
    const answer = await app.api('/v1/problems');
    busy.mockRestore();
    expect([answer.status, await answer.json()]).toMatchObject([503, { reason: 'too_busy' }]);
  });

  test('a store that does not work is one problem, and none once it works', async () => {
    for (const event of ['sweep.failed', 'upkeep.failed', 'outbox.unreadable'] as const) {
      troubles.log.emit(event, { err: new Error('disk I/O error') });
    }
    troubles.log.emit('webhook.unavailable', { reason: 'store_unavailable' });
    troubles.log.emit('outcome.unrecorded', { count: 3 });
    troubles.log.emit('recovery.failed', { err: new StoreUnavailable('cannot be reached') });
    const kinds = async () => (await problems()).map(({ kind }) => kind);
    expect((await kinds()).filter((kind) => !KEPT.includes(kind))).toEqual(['sweep.failed']);
    troubles.log.emit('store.recovered', { after: 'sweep.failed' });
    // Counted before, but only logged now.
    const last_at = new Date(Date.now() - 5_000).toISOString();
    troubles.log.emit('webhook.unavailable', { reason: 'store_unavailable', count: 7, last_at });
    expect((await kinds()).filter((kind) => !KEPT.includes(kind))).toEqual([]);
  });

  test('trouble with the store that nobody saw recover ends when the store has worked for a while', () => {
    let at = 1_000_000;
    const own = watchTroubles({ emit: () => {} }, { now: Date.now, monotonic: () => at });
    own.log.emit('webhook.unavailable', { reason: 'too_late' });
    own.log.emit('webhook.unavailable', { reason: 'too_many' });
    const kinds = (goodAt: number | null) => own.recent(goodAt).map(({ title }) => title);
    at += 20_000;
    expect(kinds(null)).toHaveLength(2);
    expect(kinds(at - 19_000)).toHaveLength(2);
    expect(kinds(at)).toEqual([expect.stringContaining('too_many')]);
  });

  test('a job that goes on failing although the store works is shown as long as it fails', () => {
    const MINUTE = 60_000;
    let at = 1_000_000;
    const own = watchTroubles({ emit: () => {} }, { now: Date.now, monotonic: () => at });
    const prune = onceUntilRecovered(own.log, 'upkeep.failed', { job: 'prune' });
    const shown = () => own.recent(at).map(({ kind }) => kind);
    for (let minute = 0; minute < 180; minute += 1) {
      prune.failed(new Error('canceling statement due to lock timeout'));
      at += MINUTE;
      expect(shown()).toEqual(['upkeep.failed']);
    }
    prune.worked();
    expect(shown()).toEqual([]);
  });

  test('a clock that was set back hides no trouble and keeps none for longer', () => {
    let wall = Date.parse('2026-03-02T15:00:00Z');
    let passed = 0;
    const own = watchTroubles({ emit: () => {} }, { now: () => wall, monotonic: () => passed });
    own.log.emit('recovery.failed', { err: new Error('HTTP 403') });
    own.log.emit('store.recovered', { after: 'sweep.failed' });
    wall -= 24 * 3_600_000;
    passed += 60_000;
    own.log.emit('sweep.failed', { err: new StoreUnavailable('cannot be reached') });
    expect(own.recent().map(({ kind }) => kind)).toEqual(['recovery.failed', 'sweep.failed']);
    passed += 3_600_000;
    expect(own.recent().map(({ kind }) => kind)).toEqual(['sweep.failed']);
  });

  test('a recovery that failed is the trouble of whoever did not answer', () => {
    const own = watchTroubles({ emit: () => {} }, CLOCK);
    own.log.emit('recovery.failed', { err: new StoreUnavailable('cannot be reached') });
    expect(own.recent()).toMatchObject([{ kind: 'recovery.failed', cause: 'store' }]);
    own.log.emit('store.recovered', { after: 'sweep.failed' });
    expect(own.recent()).toEqual([]);
    own.log.emit('recovery.failed', { err: new Error('HTTP 403') });
    own.log.emit('store.recovered', { after: 'sweep.failed' });
    expect(own.recent()).toMatchObject([{ kind: 'recovery.failed', detail: 'HTTP 403' }]);
    expect(own.recent()[0]).not.toHaveProperty('cause');
  });
});

test('statistics are shared for two seconds, also where the clock was set back meanwhile', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    let wall = now;
    const activity = vi.fn(async () => ({}) as Activity);
    const due = async () => ({ now, due: [] });
    const read = sharedActivity({ store: { activity, due }, now: () => wall });
    const since = wall - 12 * 3_600_000;
    await read(since);
    await read(since);
    expect(activity).toHaveBeenCalledTimes(1);
    wall -= 3_600_000;
    vi.advanceTimersByTime(HTTP_LIMITS.statsFreshMs);
    await read(since);
    expect(activity).toHaveBeenCalledTimes(2);
  } finally {
    vi.useRealTimers();
  }
});

test('after the system clock was set ahead, the last hour is that of the calls', async () => {
  // The clock of the store follows slowly while calls are live.
  await using late = await serveApp({ deps: { now: () => Date.now() + 2 * 3_600_000 } });
  const failed = Array.from({ length: HTTP_LIMITS.failingAttemptsMin }, (_, n) =>
    anAttempt(`a-${n}`, { target: 'down', verdict: 'busy', startedAt: now, endedAt: now + 1 }),
  );
  const call = { createdAt: now, endedAt: now + 1, phase: 'ended', ends: 'failed' } as const;
  await late.store.commit([aUnit(aCall('one', { ...call, attempts: failed }), 0)], null);
  const { calls } = Value.Parse(STATS, await (await late.api('/v1/stats')).json());
  expect(calls.total).toBe(1);
  const { problems } = Value.Parse(PROBLEMS, await (await late.api('/v1/problems')).json());
  expect(problems.map(({ kind }) => kind)).toContain('target.failing');
});

/** Rows of the tests above. */
const KEPT = [
  'target.failing',
  'webhook.refused',
  'webhook.clock_skew',
  'routes.refused',
  'routes.differ',
];
