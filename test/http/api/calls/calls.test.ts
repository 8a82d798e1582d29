import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CALL_DETAIL,
  CALLS_PAGE,
  REFER_ACCEPTED,
} from '../../../../src/http/api/calls/calls-schemas.ts';
import { PROBLEM } from '../../../../src/http/api/schemas.ts';
import { aCall, aUnit } from '../../../helpers/documents.ts';
import { type ServedApp, serveApp } from '../../../helpers/served-app.ts';
import { incomingCall, webhookBody } from '../../../helpers/webhooks.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
  await arrive('v3:to-support');
  await arrive('v3:left-alone', { to: '+14155550111' });
  await arrive('v3:nobodys', { to: '+14155550999', from: '+442071234567' });
});
afterAll(() => app.close());

async function arrive(id: string, fields: Record<string, unknown> = {}): Promise<void> {
  const answer = await app.deliver(incomingCall(id, fields));
  expect(answer.status).toBe(200);
}

async function happen(type: string, id: string, fields: object = {}): Promise<void> {
  const answer = await app.deliver(webhookBody(type, { call_control_id: id, ...fields }));
  expect(answer.status).toBe(200);
}

async function page(query: string): Promise<Static<typeof CALLS_PAGE>> {
  const answer = await app.api(`/v1/calls${query}`);
  expect(answer.status).toBe(200);
  return Value.Parse(CALLS_PAGE, await answer.json());
}

async function ids(query: string): Promise<string[]> {
  return (await page(query)).calls.map((call) => call.call_control_id);
}

async function detail(id: string): Promise<Static<typeof CALL_DETAIL>> {
  const answer = await app.api(`/v1/calls/${encodeURIComponent(id)}`);
  expect(answer.status).toBe(200);
  return Value.Parse(CALL_DETAIL, await answer.json());
}

function refer(id: string, body: unknown): Promise<Response> {
  return app.api(`/v1/calls/${id}/refer`, { method: 'POST', body: JSON.stringify(body) });
}

async function refused(answer: Response, status: number, reason: string) {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = Value.Parse(PROBLEM, await answer.json());
  expect([answer.status, problem.status, problem.reason]).toEqual([status, status, reason]);
  return problem;
}

describe('the list', () => {
  test('newest first, with numbers in full', async () => {
    const { calls, next } = await page('');
    expect(calls.map((call) => call.call_control_id)).toEqual([
      'v3:nobodys',
      'v3:left-alone',
      'v3:to-support',
    ]);
    expect(calls[2]).toMatchObject({
      from: '+353861234567',
      to: '+14155550100',
      direction: 'incoming',
      rule: 'support',
      route_set: app.set.hash,
      ends: null,
    });
    expect(next).toBeNull();
  });

  test('q finds by part, together with our number, direction and outcome', async () => {
    expect(await ids('?q=4567')).toEqual(['v3:nobodys', 'v3:left-alone', 'v3:to-support']);
    expect(await ids('?q=020%207123')).toEqual(['v3:nobodys']);
    expect(await ids('?q=supp')).toEqual(['v3:to-support']);
    expect(await ids('?q=v3:left-alone')).toEqual(['v3:left-alone']);
    expect(await ids('?q=4567&number=%2B14155550111')).toEqual(['v3:left-alone']);
    expect(await ids('?q=4567&direction=outgoing')).toEqual([]);
    expect(await ids('?q=4567&outcome=reached')).toEqual([]);
    expect(await ids('?q=')).toEqual(await ids(''));
    const { calls } = await page('?number=%2B14155550999');
    expect(calls).toMatchObject([{ outcome: null, summary: expect.stringMatching(/^[A-Z].*\.$/) }]);
    await refused(await app.api('/v1/calls?outcome=lost'), 400, 'invalid_parameter');
    const noZone = await refused(
      await app.api('/v1/calls?until=2026-03-02T15:00'),
      400,
      'invalid_parameter',
    );
    expect(noZone.detail).toContain('its zone is missing');
  });

  test('a number is found as it is written, and with a + that was not encoded', async () => {
    for (const written of ['+14155550111', '%2B1%20415%20555-0111', 'tel:%2B14155550111']) {
      for (const party of ['to', 'number']) {
        expect([written, await ids(`?${party}=${written}`)]).toEqual([written, ['v3:left-alone']]);
      }
    }
    expect(await ids('?from=+442071234567')).toEqual(['v3:nobodys']);
    expect(await ids('?from=%2B44%20(0)20%207123%204567')).toEqual(['v3:nobodys']);
    expect(await ids('?from=+0207123456')).toEqual([]);
    // The + is lost in this one as well; the dash is of a word processor.
    expect(await ids('?from=+44%20(0)20%C2%A07123%E2%80%934567')).toEqual(['v3:nobodys']);
    expect(await ids('?from=0044%2020/7123.4567')).toEqual(['v3:nobodys']);
    for (const written of ['%2B44%20(0)20%207123', '%2B44%C2%A020%E2%80%937123', '020/7123']) {
      expect([written, await ids(`?q=${written}`)]).toEqual([written, ['v3:nobodys']]);
    }
  });

  test('a list is CSV for whoever asks for it, with a link to the next page', async () => {
    const csv = (path: string, accept = 'text/csv') => app.api(path, { headers: { accept } });
    const answer = await csv('/v1/calls?limit=2');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    const lines = (await answer.text()).split('\r\n');
    expect(lines[0]).toMatch(/^call_control_id,created_at,.*outcome,summary,rule/);
    expect(lines.slice(1, 3).map((line) => line.split(',')[0])).toEqual([
      'v3:nobodys',
      'v3:left-alone',
    ]);
    expect(lines[1]).toContain(',+442071234567,+14155550999,');
    const next = /<(.*)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
    expect((await (await csv(next)).text()).split('\r\n')[1]).toMatch(/^v3:to-support,/);
    for (const path of ['/v1/stats', '/v1/lost-callers', '/v1/problems']) {
      const other = await csv(path);
      expect([path, other.status, other.headers.get('content-type')]).toEqual([
        path,
        200,
        'text/csv; charset=utf-8; header=present',
      ]);
    }
    for (const accept of ['*/*', 'application/json', 'text/csv;q=0.1, application/json']) {
      expect((await csv('/v1/calls', accept)).headers.get('content-type')).toContain(
        'application/json',
      );
    }
  });

  test('each filter holds, alone and together', async () => {
    expect(await ids('?rule=support')).toEqual(['v3:to-support']);
    expect(await ids('?rule=otherwise')).toEqual(['v3:nobodys']);
    expect(await ids('?rule=otherwise&phase=unmanaged')).toEqual([]);
    expect(await ids(`?to=${encodeURIComponent('+14155550111')}`)).toEqual(['v3:left-alone']);
    expect(await ids(`?from=${encodeURIComponent('+442071234567')}`)).toEqual(['v3:nobodys']);
    expect(await ids('?phase=unmanaged')).toEqual(['v3:left-alone']);
    expect(await ids('?phase=unmanaged&rule=support')).toEqual([]);
    expect(await ids(`?since=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
    expect(await ids('?since=2026-01-01T00:00:00%2B01:00')).toHaveLength(3);
    expect(await ids('?until=2026-01-01T00:00:00Z')).toEqual([]);
    expect(await ids(`?until=${new Date(Date.now() + 60_000).toISOString()}`)).toHaveLength(3);
    expect(await ids(`?session=${encodeURIComponent('session-of-v3:nobodys')}`)).toEqual([
      'v3:nobodys',
    ]);
  });

  test('a cursor goes on where the page ended', async () => {
    const first = await page('?limit=2');
    expect(first.calls).toHaveLength(2);
    const second = await page(`?limit=2&cursor=${encodeURIComponent(String(first.next))}`);
    expect(second.calls.map((call) => call.call_control_id)).toEqual(['v3:to-support']);
    expect(second.next).toBeNull();
  });

  test('a bad filter is a 400 that names the field and what is known', async () => {
    const cases: [string, string][] = [
      ['?phase=talking', 'phase'],
      ['?verdict=maybe', 'verdict'],
      ['?ends=well', 'ends'],
      ['?limit=0', 'limit'],
      ['?limit=501', 'limit'],
      ['?limit=many', 'limit'],
      ['?since=yesterday', 'since'],
      ['?since=1', 'since'],
      ['?until=yesterday', 'until'],
      ['?limit=1.5', 'limit'],
      ['?limit=1e1', 'limit'],
      ['?limit=0x10', 'limit'],
      ['?limit=', 'limit'],
      ['?limit=true', 'limit'],
      ['?limit=-1', 'limit'],
      ['?legs=some', 'legs'],
      ['?cursor=nonsense', 'cursor'],
      ['?colour=red', 'colour'],
      ['?rule=a&rule=b', 'rule'],
    ];
    for (const [query, field] of cases) {
      const problem = await refused(await app.api(`/v1/calls${query}`), 400, 'invalid_parameter');
      expect([query, problem.field]).toEqual([query, field]);
    }
    for (const [query, words] of [
      ['limit=1.5', '"limit": expected a whole number, got "1.5"'],
      ['limit=1&limit=2', '"limit": expected a whole number, got it more than once'],
      ['limit=501', '"limit": expected at most 500, got 501'],
      ['limit=0', '"limit": expected at least 1, got 0'],
      ['legs=some', '"legs": expected one of all, got "some"'],
      ['rule=', '"rule": expected at least 1 character, got an empty text'],
    ] as const) {
      const answer = await app.api(`/v1/calls?${query}`);
      const { detail } = await refused(answer, 400, 'invalid_parameter');
      expect(detail).toBe(`querystring field ${words}`);
    }
    const phase = await refused(await app.api('/v1/calls?phase=x'), 400, 'invalid_parameter');
    expect(phase.detail).toContain('unmanaged');
  });
});

describe('a B-leg', () => {
  test('is a leg of its caller: shown with it, and listed where legs are asked for', async () => {
    const at = Date.now() - 3_600_000;
    const session = { sessionId: 'with-a-leg' };
    await app.store.commit(
      [
        aUnit(aCall('v3:caller', { createdAt: at, phase: 'bridged', facts: session }), 0),
        aUnit(
          aCall('v3:leg', {
            createdAt: at + 1,
            phase: 'unmanaged',
            parentId: 'v3:caller',
            facts: { ...session, direction: 'outgoing' },
          }),
          0,
        ),
      ],
      null,
    );
    expect(await ids('?session=with-a-leg')).toEqual(['v3:caller']);
    expect(await ids('?session=with-a-leg&legs=all')).toEqual(['v3:leg', 'v3:caller']);
    const caller = await detail('v3:caller');
    expect(caller).toMatchObject({
      parent_call_control_id: null,
      legs: [{ call_control_id: 'v3:leg', parent_call_control_id: 'v3:caller' }],
    });
    expect((await detail('v3:leg')).legs).toEqual([]);
  });
});

describe('one call', () => {
  test('its facts, its story and why', async () => {
    const call = await detail('v3:to-support');
    expect(call).toMatchObject({
      call_control_id: 'v3:to-support',
      call_session_id: 'session-of-v3:to-support',
      phase: 'answering',
      rule: 'support',
      ends: null,
      attempts: [],
      connection_id: '7267xxxxxxxxxxxxxx',
    });
    expect(call.timeline[0]).toMatchObject({ source: 'webhook', type: 'call.initiated' });
    expect(call.timeline[0]?.commands[0]?.action).toBe('answer');
    expect(call.trace).toEqual([
      { rule: 'left alone', matched: false, why: expect.stringContaining('+14155550111') },
      { rule: 'support', matched: true, why: expect.any(String) },
    ]);
  });

  test('an attempt is open with verdict null, then shows its verdict and what Telnyx said', async () => {
    await arrive('v3:busy');
    await happen('call.answered', 'v3:busy');
    const open = (await detail('v3:busy')).attempts;
    expect(open).toMatchObject([
      {
        kind: 'refer',
        target: 'support-us',
        sip_address: 'sip:support@pbx-us.example.com',
        verdict: null,
        sip_notify_response: null,
        manual: false,
      },
    ]);
    await happen('call.refer.failed', 'v3:busy', { sip_notify_response: 486 });
    const [attempt] = (await detail('v3:busy')).attempts;
    expect(attempt).toMatchObject({ verdict: 'busy', sip_notify_response: 486, id: open[0]?.id });
    expect(attempt?.advice?.meaning).toContain('busy');
    expect(await ids('?target=support-us')).toEqual(['v3:busy']);
    expect(await ids('?verdict=busy')).toEqual(['v3:busy']);
    expect(await ids('?verdict=declined')).toEqual([]);
  });

  test('otherwise has rule null', async () => {
    expect(await detail('v3:nobodys')).toMatchObject({ rule: null, decided: true });
  });

  test('an unknown call is 404', async () => {
    await refused(await app.api('/v1/calls/v3:unknown'), 404, 'no_such_call');
  });
});

describe('a manual refer', () => {
  test('404, then 409, then 422: in this order', async () => {
    await refused(await refer('v3:unknown', { target: 'nowhere' }), 404, 'no_such_call');

    await arrive('v3:gone');
    await happen('call.hangup', 'v3:gone', { hangup_cause: 'originator_cancel' });
    await refused(await refer('v3:gone', { target: 'nowhere' }), 409, 'call_ended');

    await arrive('v3:moving');
    await happen('call.answered', 'v3:moving');
    await refused(await refer('v3:moving', { target: 'nowhere' }), 409, 'call_being_moved');

    const unknown = await refer('v3:left-alone', { target: 'nowhere' });
    const { detail } = await refused(unknown, 422, 'unknown_target');
    expect(detail).toMatch(/^No target is called "nowhere"; the live route set has .*support-us/);
  });

  test('a caller who has been referred is not told to wait for a verdict', async () => {
    await arrive('v3:arrived');
    await happen('call.answered', 'v3:arrived');
    await happen('call.refer.completed', 'v3:arrived', { sip_notify_response: 200 });
    const problem = await refused(
      await refer('v3:arrived', { target: 'support-us' }),
      409,
      'call_being_moved',
    );
    expect(problem.detail).toContain('already been referred');
  });

  test('a SIP address against policy is 422, however it is dressed', async () => {
    for (const address of [
      'sip:x@evil.test',
      'sip:x@evil.test;p=@pbx.example.com',
      'sip:x@pbx.example.com?Subject=hi',
      'sips:x@pbx.example.com',
      '+14155550199',
    ]) {
      const answer = await refer('v3:left-alone', { sip_address: address });
      expect([address, answer.status]).toEqual([address, 422]);
    }
  });

  test('a malformed body is 400 and says what is expected', async () => {
    const either = 'body: expected either target or sip_address';
    const colour = 'body field "colour": it is unknown here; /v1/openapi.json lists what is known';
    for (const [body, detail] of [
      [{}, either],
      [{ target: 'support-us', sip_address: 'sip:x@pbx.example.com' }, either],
      [{ target: 5 }, 'body field "target": expected a text, got 5'],
      [{ target: null }, 'body field "target": expected a text, got null'],
      [{ target: '' }, 'body field "target": expected at least 1 character, got an empty text'],
      [
        { target: 'x'.repeat(257) },
        'body field "target": expected at most 256 characters, got 257',
      ],
      [{ target: 'support-us', colour: 'red' }, colour],
      [[], 'body: expected a JSON object, got a list'],
      ['text', 'body: expected a JSON object, got a text'],
    ]) {
      const problem = await refused(await refer('v3:left-alone', body), 400, 'invalid_body');
      expect(problem.detail).toBe(detail);
    }
    const without = await app.api('/v1/calls/v3:left-alone/refer', { method: 'POST' });
    const { detail } = await refused(without, 400, 'invalid_body');
    expect(detail).toBe('body: expected a JSON object, got no body, or null');
    const broken = await app.api('/v1/calls/v3:left-alone/refer', { method: 'POST', body: '{' });
    await refused(broken, 400, 'invalid_body');
    const form = await fetch(`${app.url}/v1/calls/v3:left-alone/refer`, {
      method: 'POST',
      body: 'target=support-us',
      headers: {
        'content-type': 'text/xml',
        authorization: `Bearer ${(await import('../../../helpers/served-app.ts')).ADMIN_TOKEN}`,
      },
    });
    await refused(form, 415, 'not_json');
  });

  test('202 with the attempt, on the timeline, with a line for the audit', async () => {
    await arrive('v3:by-hand', { to: '+14155550111' });
    await happen('call.answered', 'v3:by-hand');
    const answer = await refer('v3:by-hand', { sip_address: 'sip:desk@pbx.example.com' });
    expect(answer.status).toBe(202);
    const { attempt, call } = Value.Parse(REFER_ACCEPTED, await answer.json());
    expect(attempt).toMatchObject({
      kind: 'refer',
      target: null,
      sip_address: 'sip:desk@pbx.example.com',
      verdict: null,
      manual: true,
    });
    expect(call).toMatchObject({ phase: 'referring', attempts: [{ id: attempt.id }] });
    expect((await detail('v3:by-hand')).timeline.at(-1)).toMatchObject({ source: 'manual' });
    const line = app.lines.findLast(({ event }) => event === 'admin.action');
    expect(line?.fields).toMatchObject({
      action: 'refer',
      by: 'admin',
      remote: '127.0.0.1',
      call_control_id: 'v3:by-hand',
      attempt: attempt.id,
    });
    await refused(await refer('v3:by-hand', { target: 'support-us' }), 409, 'call_being_moved');
  });

  test('a call that is not answered yet is answered first: the attempt is still to come', async () => {
    await arrive('v3:ringing', { to: '+14155550111' });
    const answer = await refer('v3:ringing', { target: 'support-us' });
    expect(answer.status).toBe(202);
    const { attempt } = Value.Parse(REFER_ACCEPTED, await answer.json());
    expect(attempt).toMatchObject({ started_at: null, target: 'support-us', verdict: null });
    await happen('call.answered', 'v3:ringing');
    expect((await detail('v3:ringing')).attempts).toMatchObject([
      { id: attempt.id, target: 'support-us', manual: true },
    ]);
  });

  test('over the budget nothing is sent: 422 with the budget that is used up', async () => {
    app.set.policy.refers.perCallerPerHour = 0;
    try {
      await arrive('v3:budget', { to: '+14155550111', from: '+15550001111' });
      await happen('call.answered', 'v3:budget');
      const answer = await refer('v3:budget', { target: 'support-us' });
      const problem = await refused(answer, 422, 'against_policy');
      expect(problem.detail).toContain('per_caller_per_hour');
      // A second request is refused too, and has its own attempt.
      await refused(await refer('v3:budget', { target: 'support-us' }), 422, 'against_policy');
      const { attempts } = await detail('v3:budget');
      expect(attempts.filter(({ manual }) => manual)).toHaveLength(2);
    } finally {
      app.set.policy.refers.perCallerPerHour = 20;
    }
  });
});

describe('what a call cost', () => {
  const part = (call_part: string, cost: unknown, currency: unknown = 'USD') => ({
    call_part,
    cost,
    currency,
  });

  test('is null until Telnyx says it, then exact, by part; twice is once', async () => {
    await arrive('v3:charged');
    expect(await detail('v3:charged')).toMatchObject({ cost: null, other_costs: [] });
    await happen('call.hangup', 'v3:charged');
    const cost_parts = [part('call-control', '0.0020'), part('sip-trunking', 0.1022)];
    const body = webhookBody('call.cost', { call_control_id: 'v3:charged', cost_parts });
    for (const _ of [1, 2]) expect((await app.deliver(body)).status).toBe(200);
    const call = await detail('v3:charged');
    expect(call.cost).toEqual({
      amount: '0.1042',
      currency: 'USD',
      parts: [
        { part: 'call-control', amount: '0.0020' },
        { part: 'sip-trunking', amount: '0.1022' },
      ],
    });
    expect(call.timeline.at(-1)).toMatchObject({
      type: 'call.cost',
      detail: { cost: '0.1042 USD' },
    });
    expect((await page('?from=%2B353861234567')).calls).toContainEqual(
      expect.objectContaining({ call_control_id: 'v3:charged', cost: call.cost }),
    );
  });

  test('in a second currency stands beside it', async () => {
    await arrive('v3:abroad');
    const cost_parts = [part('call-control', '0.0020'), part('sip-trunking', '0.5', 'EUR')];
    await happen('call.cost', 'v3:abroad', { cost_parts });
    expect(await detail('v3:abroad')).toMatchObject({
      cost: { amount: '0.0020', currency: 'USD' },
      other_costs: [
        { amount: '0.5', currency: 'EUR', parts: [{ part: 'sip-trunking', amount: '0.5' }] },
      ],
    });
  });

  test('that cannot be read is on the timeline, and the webhook is answered 200', async () => {
    await arrive('v3:odd');
    await happen('call.cost', 'v3:odd', { cost_parts: [part('call-control', 'free')] });
    const { cost, timeline } = await detail('v3:odd');
    expect(cost).toBeNull();
    expect(timeline.at(-1)?.notes).toEqual([
      'cost: 1 of 1 cost_parts have no readable cost and currency',
    ]);
  });
});

test('a call counts as answered only if something shows it', async () => {
  const answered = { answered: true, facts: { to: '+14155550777' } };
  await app.store.commit(
    [
      aUnit(aCall('v3:heard', answered), 0),
      aUnit(aCall('v3:perhaps', { ...answered, answerAssumed: true }), 0),
    ],
    null,
  );
  expect((await detail('v3:heard')).answered).toBe(true);
  expect((await detail('v3:perhaps')).answered).toBe(false);
});
