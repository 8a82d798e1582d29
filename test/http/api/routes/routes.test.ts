import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ExplainQuestion } from '../../../../src/engine/routes/explanation.ts';
import {
  OVERRIDE,
  SCHEDULES,
  SWITCHES,
  TURNED,
} from '../../../../src/http/api/overriding/overrides-schemas.ts';
import { EXPLANATION, RELOADED, ROUTES } from '../../../../src/http/api/routes/routes-schemas.ts';
import { PROBLEM } from '../../../../src/http/api/schemas.ts';
import { PROBLEMS } from '../../../../src/http/api/stats/stats-schemas.ts';
import type { Reload } from '../../../../src/routing/reload.ts';
import { type ServedApp, serveApp } from '../../../helpers/served-app.ts';

let app: ServedApp;
let reloaded: Reload;
let asked: ExplainQuestion | undefined;
let refusal: { at: number; problems: [] } | null = null;

beforeAll(async () => {
  app = await serveApp({
    routes: {
      reload: async () => reloaded,
      refusal: () => refusal,
      async explain(question) {
        asked = question;
        return {
          rule: 'support',
          path: ['answer', 'refer support-us'],
          attempts: [{ target: 'support-us', sip_address: 'sip:a@b.example', verdict: 'busy' }],
          ends: 'failed',
          trace: [{ rule: 'support', matched: true, why: 'to' }],
        };
      },
    },
  });
});
afterAll(() => app.close());

function post(path: string, body?: unknown): Promise<Response> {
  return app.api(path, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function refused(answer: Response, status: number, reason: string) {
  const problem = Value.Parse(PROBLEM, await answer.json());
  expect([answer.status, problem.reason]).toEqual([status, reason]);
  return problem;
}

describe('the live route set', () => {
  test('its hash, files, rules, targets, schedules, lists and replicas', async () => {
    await app.store.heartbeat({ id: 'one', startedAt: 1, routeSet: app.set.hash, refusal: null });
    const routes = Value.Parse(ROUTES, await (await app.api('/v1/routes')).json());
    expect(routes).toMatchObject({
      hash: app.set.hash,
      files: ['main.yaml'],
      rules: [
        { name: 'left alone', file: 'main.yaml' },
        { name: 'support', file: 'main.yaml' },
      ],
      schedules: [{ name: 'office', zone: 'UTC', override: null }],
      lists: [{ name: 'vip', entries: 2 }],
      tables: [],
      last_refusal: null,
      replicas: [{ id: 'one', route_set: app.set.hash }],
    });
    expect(routes.replicas).toMatchObject([{ gone: false }]);
    expect(routes.targets.map(({ sip }) => sip)).toContain('sip:{from_user}@pbx-us.example.com');
  });

  test('a replica that is not heard of any more is shown as gone', async () => {
    await using later = await serveApp({ deps: { now: () => Date.now() + 30_000 } });
    await later.store.heartbeat({ id: 'one', startedAt: 1, routeSet: null, refusal: null });
    const read = async () => Value.Parse(ROUTES, await (await later.api('/v1/routes')).json());
    // Our own clock may be wrong: what counts is the store's, which the heartbeat has.
    expect((await read()).replicas).toMatchObject([{ id: 'one', gone: false }]);
    vi.spyOn(later.store, 'due').mockResolvedValue({ now: Date.now() + 30_000, due: [] });
    const routes = await read();
    expect(routes.replicas).toMatchObject([{ id: 'one', gone: true }]);
  });

  test('a refused reload is reported, with its problems', async () => {
    refusal = { at: Date.now(), problems: [] };
    const routes = Value.Parse(ROUTES, await (await app.api('/v1/routes')).json());
    expect(routes.last_refusal).toMatchObject({ problems: [] });
    refusal = null;
  });

  test('reload is 200 with the hash, or 422 with the problems, and audited either way', async () => {
    reloaded = { ok: true, hash: 'abc', changed: true, warnings: [] };
    const good = await post('/v1/routes/reload');
    expect(good.status).toBe(200);
    expect(Value.Parse(RELOADED, await good.json())).toMatchObject({ hash: 'abc', changed: true });

    const problem = { file: 'main.yaml', line: 3, column: 5, message: 'unknown key', hint: '' };
    reloaded = { ok: false, hash: 'abc', problems: [problem] };
    const answer = await post('/v1/routes/reload');
    expect((await refused(answer, 422, 'routes_refused')).problems).toEqual([problem]);
    const lines = app.lines.filter(({ fields }) => fields.action === 'reload');
    expect(lines.map(({ fields }) => fields.result)).toEqual(['ok', 'routes_refused']);
  });
});

test.each([
  ['JSON', 'application/json'],
  ["a form, as of curl -d ''", 'application/x-www-form-urlencoded'],
])('a reload with the content type of %s and no body is a reload', async (_, type) => {
  reloaded = { ok: true, hash: 'abc', changed: false, warnings: [] };
  const headers = { 'content-type': type };
  const answer = await app.api('/v1/routes/reload', { method: 'POST', headers });
  expect(answer.status).toBe(200);
  const nothing = await app.api('/v1/routes/explain', { method: 'POST', headers });
  await refused(nothing, 400, 'invalid_body');
});

describe('explain', () => {
  test('asks with everything that was given', async () => {
    const answer = await post('/v1/routes/explain', {
      from: '+353861234567',
      to: '+14155550100',
      headers: { 'X-Queue': 'vip' },
      at: '2026-03-02T15:00:00Z',
      verdicts: { 'support-us': ['busy', 'completed', 'abandoned'], 'sip:a@b.example': 'declined' },
      digits: ['1', '2'],
      hangup_after: 'support-us',
      caller_type: 'sip',
      connection_id: '42',
      attestation: 'B',
      tags: ['gold'],
      switches: { 'main-site': false },
    });
    expect(answer.status).toBe(200);
    expect(Value.Parse(EXPLANATION, await answer.json()).rule).toBe('support');
    expect(asked).toEqual({
      facts: expect.objectContaining({
        from: '+353861234567',
        to: '+14155550100',
        direction: 'incoming',
        callerType: 'sip',
        connectionId: '42',
        attestation: 'B',
        attestationValidated: true,
        headers: [{ name: 'X-Queue', value: 'vip' }],
        tags: ['gold'],
      }),
      at: Date.parse('2026-03-02T15:00:00Z'),
      verdicts: {
        'support-us': ['busy', 'completed', 'abandoned'],
        'sip:a@b.example': ['declined'],
      },
      digits: ['1', '2'],
      hangupAfter: 'support-us',
      switches: { 'main-site': false },
      lookups: {},
    });
  });

  test('a caller with an address is one of SIP, as in referee route', async () => {
    for (const [from, callerType] of [
      ['sip:alice@example.net', 'sip'],
      ['+14155550177', 'pstn'],
    ]) {
      expect((await post('/v1/routes/explain', { from })).status).toBe(200);
      expect(asked?.facts.callerType).toBe(callerType);
      expect(asked?.digits).toEqual([]);
    }
  });

  test('a bad question is 400 and names the field', async () => {
    const cases: [object, string][] = [
      [{ at: 'tomorrow' }, 'at'],
      [{ direction: 'sideways' }, 'direction'],
      [{ verdicts: { a: 'maybe' } }, 'verdicts.a'],
      [{ verdicts: { 'support-us': 'skipped' } }, 'verdicts.support-us'],
      [{ colour: 'red' }, 'colour'],
      [{ digits: 'x' }, 'digits'],
      [{ switches: { 'main-site': 'off' } }, 'switches.main-site'],
      [{ switches: { annex: true } }, 'switches.annex'],
      [{ verdicts: { annex: 'busy' } }, 'verdicts.annex'],
      [{ hangup_after: 'annex' }, 'hangup_after'],
      [{ lookups: { annex: {} } }, 'lookups.annex'],
      [{ attestation: 'D' }, 'attestation'],
    ];
    for (const [body, field] of cases) {
      const problem = await refused(await post('/v1/routes/explain', body), 400, 'invalid_body');
      expect(problem.field).toBe(field);
      if (field === 'colour') expect(problem.detail).toContain('it is unknown here');
    }
  });

  test('a field that is missing and a parameter that is unknown are said in words', async () => {
    const missing = await refused(await post('/v1/switches/main-site', {}), 400, 'invalid_body');
    expect(missing.detail).toBe('body field "on": it is required');
    const unknown = await app.api('/v1/calls?colour=red');
    expect((await refused(unknown, 400, 'invalid_parameter')).detail).toBe(
      'querystring field "colour": it is unknown here; /v1/openapi.json lists what is known',
    );
  });
});

describe('schedule override', () => {
  const path = '/v1/schedules/office/override';
  const overrides = async () => (await app.store.setting('overrides')).value;

  test('stands in the store, is shown with the routes, and is taken back with null', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await post(path, { open: false, until });
    expect(answer.status).toBe(200);
    const override = { open: false, until, reason: null, by: 'admin', since: expect.any(String) };
    expect(Value.Parse(OVERRIDE, await answer.json())).toEqual({ schedule: 'office', override });
    expect(await overrides()).toMatchObject({
      schedules: { office: { open: false, untilMs: Date.parse(until) } },
    });
    const routes = Value.Parse(ROUTES, await (await app.api('/v1/routes')).json());
    expect(routes.schedules[0]?.override).toEqual(override);

    expect((await post(path, { open: null })).status).toBe(200);
    expect(await overrides()).toEqual({});
  });

  test('without until it holds until taken back', async () => {
    expect((await post(path, { open: true })).status).toBe(200);
    expect(await overrides()).toMatchObject({
      schedules: { office: { open: true, untilMs: null } },
    });
  });

  test('404 unknown schedule, 422 in the past, 400 malformed: nothing is stored', async () => {
    const before = await overrides();
    const unknown = await post('/v1/schedules/nights/override', { open: true });
    expect((await refused(unknown, 404, 'unknown_schedule')).detail).toContain('office');
    const past = await post(path, { open: true, until: '2020-01-01T00:00:00Z' });
    await refused(past, 422, 'until_in_the_past');
    for (const body of [{}, { open: 'yes' }, { open: true, until: 'soon' }, { open: true, x: 1 }]) {
      await refused(await post(path, body), 400, 'invalid_body');
    }
    const word = await refused(await post(path, { open: 'yes' }), 400, 'invalid_body');
    expect(word.detail).toBe('body field "open": expected true or false or null, got a text');
    expect(await overrides()).toEqual(before);
  });
});

describe('schedules', () => {
  test('each with what it is now, why, and its next changes; reason and who forced it', async () => {
    await post('/v1/schedules/office/override', { open: false, reason: ' no heating ' });
    const { schedules } = Value.Parse(SCHEDULES, await (await app.api('/v1/schedules')).json());
    expect(schedules).toMatchObject([
      { name: 'office', zone: 'UTC', open: false, closed_because: [], changes: [] },
    ]);
    expect(schedules[0]?.why).toContain('overridden by an operator (no heating)');
    expect(schedules[0]?.override).toMatchObject({ reason: 'no heating', by: 'admin' });
    expect(schedules[0]).not.toHaveProperty('days');
    const week = await (await app.api('/v1/schedules?days=7')).json();
    const days = Value.Parse(SCHEDULES, week).schedules[0]?.days ?? [];
    expect(days).toHaveLength(7);
    expect(days[6]?.spans).toMatchObject([{ open: false, forced: true, from: days[6]?.from }]);
    await refused(await app.api('/v1/schedules?days=99'), 400, 'invalid_parameter');
    await post('/v1/schedules/office/override', { open: null });
  });
});

describe('switches', () => {
  const path = '/v1/switches/main-site';
  const read = async () =>
    Value.Parse(SWITCHES, await (await app.api('/v1/switches')).json()).switches;
  const forced = async () => {
    const { problems } = Value.Parse(PROBLEMS, await (await app.api('/v1/problems')).json());
    return problems.filter(({ kind }) => kind.endsWith('.forced'));
  };

  test('turned until a time for a reason: shown, a problem while it lasts, and logged', async () => {
    expect(await read()).toEqual([{ name: 'main-site', on: true, default: true, override: null }]);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await post(path, { on: false, until, reason: 'works' });
    const override = { on: false, until, reason: 'works', by: 'admin', since: expect.any(String) };
    expect(Value.Parse(TURNED, await answer.json())).toEqual({
      switch: 'main-site',
      on: false,
      default: true,
      override,
    });
    expect(await read()).toEqual([{ name: 'main-site', on: false, default: true, override }]);
    expect(await forced()).toMatchObject([
      {
        kind: 'switch.forced',
        severity: 'warning',
        title: 'The switch main-site is turned off by hand',
        forced: { name: 'main-site', state: 'off', until, reason: 'works', by: 'admin' },
      },
    ]);
    expect(app.lines).toContainEqual({
      event: 'switch.changed',
      fields: { switch: 'main-site', on: false, until, reason: 'works', by: 'admin' },
    });
  });

  test('null, and the default without until, go back to the default', async () => {
    for (const on of [null, true]) {
      await post(path, { on: false });
      const turned = Value.Parse(TURNED, await (await post(path, { on })).json());
      expect(turned).toEqual({ switch: 'main-site', on: true, default: true, override: null });
      expect(await forced()).toEqual([]);
    }
  });

  test('what the live routes do not have is a problem, has no effect, and can be ended', async () => {
    await app.store.changeSetting('overrides', () => ({
      switches: { annex: { on: false, untilMs: null }, old: { on: false, untilMs: 1 } },
    }));
    expect(await read()).toHaveLength(1);
    expect((await forced()).map(({ title }) => title)).toEqual([
      'The switch annex is turned off by hand, but the live routes do not have it',
    ]);
    await refused(await post('/v1/switches/annex', { on: true }), 404, 'unknown_switch');
    expect((await post('/v1/switches/annex', { on: null })).status).toBe(200);
    expect(await forced()).toEqual([]);
  });

  test('404 names the switches, 422 in the past, 400 malformed or without a zone', async () => {
    const unknown = await post('/v1/switches/side', { on: true });
    expect((await refused(unknown, 404, 'unknown_switch')).detail).toContain('main-site');
    const past = await post(path, { on: false, until: '2020-01-01T00:00:00Z' });
    await refused(past, 422, 'until_in_the_past');
    const noZone = await post(path, { on: false, until: '2030-01-01T12:00' });
    expect((await refused(noZone, 400, 'invalid_body')).detail).toContain('its zone is missing');
    for (const body of [{}, { on: 'off' }, { on: false, reason: 1 }, { on: false, x: 1 }]) {
      await refused(await post(path, body), 400, 'invalid_body');
    }
    expect(await forced()).toEqual([]);
  });
});

describe('GET /v1/routes/prove', () => {
  test('asks for the rule', async () => {
    expect((await app.api('/v1/routes/prove')).status).toBe(400);
  });

  test('a rule that the set has not is 404', async () => {
    await refused(await app.api('/v1/routes/prove?rule=nobody'), 404, 'no_such_rule');
  });
});
