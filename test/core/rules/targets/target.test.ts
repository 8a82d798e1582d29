import { describe, expect, it } from 'vitest';
import type { RouteSet, RouteStep } from '../../../../src/core/rules/rule.ts';
import { drawOrder } from '../../../../src/core/rules/targets/reach.ts';
import {
  allowPatterns,
  pinPolicy,
  resolveManual,
  resolveSteps,
} from '../../../../src/core/rules/targets/target.ts';
import { valuesFor } from '../../../../src/core/rules/texts/placeholder.ts';
import { facts, pick, refer, routeSet, say, target, template } from '../../../helpers/route-set.ts';

function using(
  set: RouteSet,
  call = facts(),
  cell: (column: string) => string | null = () => null,
) {
  const valueFor = valuesFor(call, cell);
  return { set, allow: allowPatterns(set.policy), facts: call, valueFor, handlerMade: false };
}

function resolve(steps: RouteStep[], set: RouteSet = routeSet([]), call = facts()) {
  return resolveSteps(steps, using(set, call));
}

const literal = (text: string, trusted = true): Extract<RouteStep, { do: 'refer' }> => ({
  do: 'refer',
  to: { kind: 'literal', template: template(text), trusted },
  via: null,
  timeoutMs: null,
  ifFailed: {},
});

describe('resolveSteps', () => {
  it('fills in the target, its header values and its limits; secrets stay references', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: references are written so
    const auth = { username: '${PBX_USER}', password: '${PBX_PASSWORD}' };
    const us = target('us', {
      timeoutMs: 12_000,
      userToUser: template('{call_session_id}'),
      headers: [{ name: 'X-Caller', value: template('{from}') }],
      auth,
      byeWithoutVerdict: 'completed',
    });
    const set = routeSet([], { targets: [us] });
    expect(resolve([refer('us')], set)).toEqual([
      {
        do: 'refer',
        target: 'us',
        sipAddress: 'sip:us@pbx.example.com',
        timeoutMs: 12_000,
        userToUser: 'session',
        headers: [{ name: 'X-Caller', value: '+14155550101' }],
        auth,
        byeWithoutVerdict: 'completed',
        ifFailed: {},
        problem: null,
        sibling: false,
      },
    ]);
  });

  it('a step’s own timeout wins, and a destination without target has 30 s', () => {
    const [own] = resolve([{ ...(refer('us') as ReturnType<typeof literal>), timeoutMs: 7_000 }]);
    expect(own).toMatchObject({ timeoutMs: 7_000 });
    expect(resolve([literal('sip:a@b.example')])).toMatchObject([
      { timeoutMs: 30_000, target: null },
    ]);
  });

  it('a header that cannot be filled fails the step', () => {
    const us = target('us', { userToUser: template('{header:X-Gone}') });
    expect(resolve([refer('us')], routeSet([], { targets: [us] }))).toMatchObject([
      { problem: 'target us: user_to_user: {header:X-Gone} has no value in this call' },
    ]);
  });

  it('a destination that cannot be filled is called what the route file calls it', () => {
    const problem = '{header:X-Gone} has no value in this call';
    const sipAddress = 'sip:{header:X-Gone}@pbx.example.com';
    expect(resolve([literal(sipAddress)])).toMatchObject([{ target: null, sipAddress, problem }]);
    const transfer: RouteStep = { ...literal('{header:X-Gone}'), do: 'transfer', from: null };
    expect(resolve([transfer])).toMatchObject([{ to: '{header:X-Gone}', problem }]);
    const us = target('us', { sip: template(sipAddress) });
    expect(resolve([refer('us')], routeSet([], { targets: [us] }))).toMatchObject([
      { target: 'us', sipAddress: '', problem: `target us: ${problem}` },
    ]);
  });

  it('a templated destination must match policy.allow, one written out need not', () => {
    const us = target('us', { sip: template('sip:{from_user}@pbx.example.com') });
    const refused = resolve([refer('us')], routeSet([], { targets: [us] }));
    expect(refused).toMatchObject([
      { problem: expect.stringContaining('policy.allow allows nothing') },
    ]);
    const set = routeSet([], { targets: [us], policy: { allow: ['sip:*@pbx.example.com'] } });
    expect(resolve([refer('us')], set)).toMatchObject([
      { sipAddress: 'sip:+14155550101@pbx.example.com', problem: null },
    ]);
    expect(resolve([literal('sip:a@b.example;transport=tls')])).toMatchObject([{ problem: null }]);
    expect(resolve([literal('sip:a@b.example', false)])).toMatchObject([
      { problem: expect.stringContaining('policy.allow') },
    ]);
  });

  it('a refer takes no number, a transfer does', () => {
    expect(resolve([literal('+14155550199')])).toMatchObject([
      { problem: expect.stringContaining('use transfer') },
    ]);
    const transfer: RouteStep = {
      ...literal('+14155550199'),
      do: 'transfer',
      from: template('{to}'),
    };
    expect(resolve([transfer])).toMatchObject([
      { do: 'transfer', to: '+14155550199', from: '+14155550100', problem: null },
    ]);
  });

  it('resolves branches and menus all the way down, with the policy’s voice', () => {
    const set = routeSet([], { policy: { voice: 'v', language: 'en-US' } });
    const menu: RouteStep = {
      do: 'menu',
      prompt: { say: [{ literal: 'Press 1.' }] },
      voice: null,
      language: 'de-DE',
      digits: { '1': [refer('us', { busy: [say('Busy.')] })] },
      tries: 2,
      timeoutMs: 8_000,
    };
    expect(resolve([menu], set)).toMatchObject([
      {
        do: 'menu',
        voice: 'v',
        language: 'de-DE',
        digits: { '1': [{ ifFailed: { busy: [{ do: 'say', voice: 'v', language: 'en-US' }] } }] },
      },
    ]);
    const held = {
      ...set,
      policy: { ...set.policy, whileMoving: { say: [{ literal: 'Hold.' }] } },
    };
    expect(pinPolicy(using(held)).whileMoving).toEqual({
      do: 'say',
      text: 'Hold.',
      voice: 'v',
      language: 'en-US',
    });
  });
});

describe('a step that leads back to where the call came in', () => {
  const transfer = (text: string): RouteStep => ({ ...literal(text), do: 'transfer', from: null });
  const set = routeSet([], { policy: { allow: ['+1*', 'sip:*@*.telnyx.com'] } });
  const problemOf = (step: RouteStep, to = '+14155550100') =>
    resolve([step], set, facts({ to }))[0] as { problem: string | null };

  it.each<[RouteStep, string]>([
    [transfer('+14155550100'), '+14155550100'],
    [transfer('{to}'), '+14155550100'],
    [transfer('+14155550100'), 'sip:+14155550100@sip.telnyx.com'],
    [literal('sip:+14155550100@sip.telnyx.com'), '+14155550100'],
    [literal('sip:14155550100@acme.sip.telnyx.com'), '+14155550100'],
    [literal('sip:desk@in.example.com;transport=tls'), 'sip:desk@In.Example.com'],
  ])('%j of a call to %s fails as rejected', (step, to) => {
    expect(problemOf(step, to).problem).toMatch(/^loop: .* is the number that was called/);
  });

  it.each<[RouteStep, string]>([
    [transfer('+14155550199'), '+14155550100'],
    [literal('sip:+14155550100@pbx.example.com'), '+14155550100'],
    [literal('sip:desk@pbx.example.com'), 'sip:desk@in.example.com'],
  ])('%j of a call to %s is done', (step, to) => {
    expect(problemOf(step, to).problem).toBeNull();
  });

  it('is no loop of a leg that goes out, and by hand it is against policy', () => {
    const leg = facts({ direction: 'outgoing' });
    expect(resolve([transfer('+14155550100')], set, leg)).toMatchObject([{ problem: null }]);
    const wanted = { sipAddress: 'sip:+14155550100@sip.telnyx.com' };
    expect(resolveManual(set, facts(), wanted)).toMatchObject({ kind: 'policy' });
  });
});

describe('pick', () => {
  it('tries every target, siblings first, and keeps `any` for the last', () => {
    const branches = { busy: [say('Busy.')], any: [say('Nobody.')] };
    const steps = resolve([pick({ us: 9, eu: 1 }, branches)]);
    expect(steps).toMatchObject([{ sibling: true }, { sibling: false }]);
    expect(new Set(steps.map((step) => 'target' in step && step.target))).toEqual(
      new Set(['us', 'eu']),
    );
    const [first, last] = steps.map((step) => 'ifFailed' in step && Object.keys(step.ifFailed));
    expect(first).toEqual(['busy']);
    expect(last).toEqual(['busy', 'any']);
  });

  it('keeps a caller’s order and spreads callers by weight', () => {
    const weights = [
      { name: 'us', weight: 9 },
      { name: 'eu', weight: 1 },
    ];
    const callers = Array.from({ length: 20_000 }, (_, i) => `+1415${5_000_000 + i}`);
    const first = callers.filter((caller) => drawOrder(weights, caller)[0] === 'us').length;
    expect(first / callers.length).toBeGreaterThan(0.89);
    expect(first / callers.length).toBeLessThan(0.91);
    expect(drawOrder(weights, '+1')).toEqual(drawOrder(weights.toReversed(), '+1'));
  });

  it('moves only those callers that a new target takes over', () => {
    const two = ['us', 'eu'].map((name) => ({ name, weight: 1 }));
    const three = [...two, { name: 'asia', weight: 1 }];
    for (let i = 0; i < 500; i += 1) {
      const [before] = drawOrder(two, `+1${i}`);
      const [after] = drawOrder(three, `+1${i}`);
      if (after !== 'asia') expect(after).toBe(before);
    }
  });
});

describe('resolveManual', () => {
  const templated = target('t', { sip: template('sip:{from_user}@t.example.com') });
  const set = routeSet([], {
    targets: [target('us'), templated],
    policy: { allow: ['sip:*@*.example.com'] },
  });

  it('takes a target by name and an allowed SIP URI', () => {
    expect(resolveManual(set, facts(), { target: 'us' })).toMatchObject({
      step: { do: 'refer', target: 'us', ifFailed: {}, sibling: false, problem: null },
    });
    expect(resolveManual(set, facts(), { target: 't' })).toMatchObject({
      step: { sipAddress: 'sip:+14155550101@t.example.com' },
    });
    expect(resolveManual(set, facts(), { sipAddress: 'sip:x@a.example.com' })).toMatchObject({
      step: { target: null, sipAddress: 'sip:x@a.example.com' },
    });
  });

  it.each([
    [{ target: 'nobody' }, 'unknown_target'],
    [{ target: '__proto__' }, 'unknown_target'],
    [{ sipAddress: 'sip:x@evil.example' }, 'policy'],
    [{ sipAddress: 'sip:x@a.example.com;p=1' }, 'policy'],
    [{ sipAddress: 'x@a.example.com' }, 'malformed'],
    [{ sipAddress: '+14155550100' }, 'malformed'],
  ])('refuses %j as %s', (wanted, kind) => {
    expect(resolveManual(set, facts(), wanted)).toEqual({ problem: expect.any(String), kind });
  });
});

describe('via', () => {
  const ways = (set: RouteSet, more = {}, call = facts({ callerType: 'pstn' })) =>
    resolve(
      [{ ...literal('sip:a@pbx.example.com'), to: { kind: 'target', name: 'us' }, ...more }],
      set,
      call,
    ).flatMap((step) => ('otherWay' in step ? [step.do, step.otherWay?.do] : [step.do]));
  const policy = { via: { pstn: ['transfer', 'refer'] as const, sip: null } };

  it('is what the step says, else its target, else the policy for this type of caller', () => {
    const plain = routeSet([], { targets: [target('us')], policy });
    const own = routeSet([], { targets: [target('us', { via: ['transfer'] })], policy });
    expect(ways(plain)).toEqual(['transfer', 'refer']);
    expect(ways(plain, {}, facts({ callerType: 'sip' }))).toEqual(['refer']);
    expect(ways(plain, {}, facts({ callerType: null }))).toEqual(['refer']);
    expect(ways(own)).toEqual(['transfer']);
    expect(ways(own, { via: ['refer', 'transfer'] })).toEqual(['refer', 'transfer']);
  });

  it('keeps what the target has to say, and of one fault makes one attempt', () => {
    const us = target('us', { timeoutMs: 9_000, userToUser: template('{call_session_id}') });
    const set = routeSet([], { targets: [us], policy });
    const [step] = resolve([refer('us')], set, facts({ callerType: 'pstn' }));
    expect(step).toMatchObject({
      do: 'transfer',
      to: 'sip:us@pbx.example.com',
      from: null,
      timeoutMs: 9_000,
      userToUser: 'session',
      otherWay: { do: 'refer', sipAddress: 'sip:us@pbx.example.com', timeoutMs: 9_000 },
    });
    const unusable = {
      ...literal('sip:{from_user}@evil.example', false),
      via: ['refer', 'transfer'] as const,
    };
    const [refused] = resolve([unusable], set);
    expect(refused).toMatchObject({ do: 'refer', problem: expect.any(String) });
    expect(refused).not.toHaveProperty('otherWay');
  });

  it('does not touch a manual refer', () => {
    const set = routeSet([], { targets: [target('us', { via: ['transfer'] })], policy });
    expect(resolveManual(set, facts(), { target: 'us' })).toMatchObject({ step: { do: 'refer' } });
  });
});
