import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Script, simulate } from '../../../src/core/dry-run/simulate.ts';
import type { Verdict } from '../../../src/core/machine/call.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import type { RouteSet, RouteStep } from '../../../src/core/rules/rule.ts';
import {
  clause,
  facts,
  moment,
  pick,
  refer,
  routeSet,
  rule,
  say,
  template,
} from '../../helpers/route-set.ts';

function play(set: RouteSet, script: Partial<Script> = {}) {
  return simulate(compileRouteSet(set), {
    facts: facts(),
    at: moment().at,
    verdicts: {},
    digits: [],
    hangupAfter: null,
    unscripted: 'completed',
    ...script,
  });
}

const one = (steps: RouteStep[]) => routeSet([rule('r', [], steps)]);

const transfer = (number: string): RouteStep => ({
  do: 'transfer',
  to: { kind: 'literal', template: template(number), trusted: true },
  from: null,
  timeoutMs: null,
  ifFailed: {},
});

const menu = (digits: Record<string, RouteStep[]>): RouteStep => ({
  do: 'menu',
  prompt: { say: [{ literal: 'Press.' }] },
  voice: null,
  language: null,
  digits,
  tries: 2,
  timeoutMs: 8_000,
});

describe('a played call', () => {
  it('counts its own moves against the budgets of the hour, without those that Telnyx refuses', () => {
    const set = routeSet([rule('r', [], [refer('us'), refer('eu'), { do: 'hangup' }])], {
      policy: { refers: { perCall: null, perHour: 1, perCallerPerHour: null } },
    });
    const { attempts } = play(set, { verdicts: { us: 'busy' } });
    expect(attempts.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['busy', undefined],
      ['rejected', 'policy refers.per_hour: 1 used in the last hour'],
    ]);
    expect(play(set, { verdicts: { us: 'rejected' } }).ends).toBe('referred');
  });

  it('goes the whole way of the design’s example', () => {
    const set = one([
      refer('us', {
        not_allowed: [transfer('+14155550199')],
        any: [{ do: 'continue' }],
      }),
      refer('eu'),
      say('Sorry.'),
      { do: 'hangup' },
    ]);
    expect(play(set, { verdicts: { us: 'not_found', eu: ['completed'] } })).toMatchObject({
      rule: 'r',
      path: ['answer', 'refer us', 'refer eu'],
      attempts: [
        { target: 'us', sip_address: 'sip:us@pbx.example.com', verdict: 'not_found' },
        { target: 'eu', sip_address: 'sip:eu@pbx.example.com', verdict: 'completed' },
      ],
      ends: 'referred',
      unscripted: [],
    });
    expect(play(set, { verdicts: { us: 'not_allowed' } })).toMatchObject({
      path: ['answer', 'refer us', 'transfer +14155550199'],
      ends: 'transferred',
    });
    expect(play(set, { verdicts: { us: 'busy', eu: 'busy' } })).toMatchObject({
      path: ['answer', 'refer us', 'refer eu', 'say', 'hangup'],
      ends: 'hung_up',
    });
  });

  const failures: Verdict[] = [
    'busy',
    'no_answer',
    'declined',
    'not_found',
    'not_allowed',
    'server_error',
    'other',
    'rejected',
    'no_verdict',
  ];

  it.each(failures)('a refer can end with %s, and the next step follows', (verdict) => {
    const played = play(one([refer('us'), refer('eu')]), { verdicts: { us: verdict } });
    expect(played.attempts.map((attempt) => attempt.verdict)).toEqual([verdict, 'completed']);
    expect(played.ends).toBe('referred');
  });

  it.each(failures)('a transfer can end with %s, and the next step follows', (verdict) => {
    const played = play(one([transfer('+14155550199'), refer('eu')]), {
      verdicts: { '+14155550199': verdict },
    });
    expect(played.attempts.map((attempt) => attempt.verdict)).toEqual([verdict, 'completed']);
    expect(played.path).toEqual(['answer', 'transfer +14155550199', 'refer eu']);
  });

  it('ends in the last resort when every step was used', () => {
    expect(play(one([refer('us')]), { verdicts: { us: 'busy' } })).toMatchObject({
      path: ['answer', 'refer us', 'say', 'hangup'],
      ends: 'failed',
    });
  });

  it('follows a list of verdicts and keeps its last', () => {
    const set = one([refer('us'), refer('us'), refer('us')]);
    const played = play(set, { verdicts: { us: ['busy', 'no_answer'] } });
    expect(played.attempts.map((attempt) => attempt.verdict)).toEqual([
      'busy',
      'no_answer',
      'no_answer',
    ]);
  });

  it('follows menus by the digits given, one text a menu', () => {
    const set = one([menu({ '1': [menu({ '22': [refer('us')] })] }), refer('eu')]);
    expect(play(set, { digits: ['1', '22'] }).path).toEqual(['answer', 'menu', 'menu', 'refer us']);
    expect(play(set, { digits: ['9'] }).path).toEqual(['answer', 'menu', 'refer eu']);
    expect(play(set).path).toEqual(['answer', 'menu', 'refer eu']);
  });

  it('rejects before the answer and after it', () => {
    const reject: RouteStep = { do: 'reject', cause: 'busy' };
    expect(play(one([reject]))).toMatchObject({ path: ['reject busy'], ends: 'rejected' });
    expect(play(one([say('No.'), reject]))).toMatchObject({
      path: ['answer', 'say', 'reject busy'],
      ends: 'rejected',
    });
    expect(play(routeSet([]))).toMatchObject({
      rule: null,
      path: ['reject declined'],
      ends: 'rejected',
      why: 'no rule matched: otherwise',
    });
  });

  it('plays, ignores, and hangs up', () => {
    const music: RouteStep = { do: 'play', url: 'https://a.example/x.mp3' };
    expect(play(one([music, { do: 'hangup' }])).path).toEqual(['answer', 'play', 'hangup']);
    expect(play(one([{ do: 'ignore' }]))).toMatchObject({ path: ['ignore'], ends: 'ignored' });
  });

  it('shows no steps for what is looped while moving, and hears the end of a play after it', () => {
    const music: RouteStep = { do: 'play', url: 'https://a.example/x.mp3' };
    const looped = routeSet([rule('r', [], [refer('us'), music, say('Bye.'), { do: 'hangup' }])], {
      policy: { whileMoving: { play: 'https://a.example/hold.mp3' } },
    });
    expect(play(looped, { verdicts: { us: 'busy' } })).toMatchObject({
      path: ['answer', 'refer us', 'play', 'say', 'hangup'],
      ends: 'hung_up',
    });
  });

  it('the caller hangs up after a target: no step follows', () => {
    const set = one([refer('us'), refer('eu')]);
    expect(play(set, { hangupAfter: 'us' })).toMatchObject({
      attempts: [{ target: 'us', verdict: 'no_verdict' }],
      ends: 'unconfirmed',
    });
    expect(play(set, { hangupAfter: 'us', verdicts: { us: 'busy' } })).toMatchObject({
      attempts: [{ target: 'us', verdict: 'busy' }],
      ends: 'abandoned',
    });
    expect(play(set, { verdicts: { us: 'abandoned' } })).toMatchObject({
      attempts: [{ target: 'us', verdict: 'abandoned' }],
      ends: 'abandoned',
    });
  });

  it('names the targets that nobody scripted, where that is an error', () => {
    const played = play(one([refer('us'), refer('eu')]), {
      unscripted: 'error',
      verdicts: { us: 'busy' },
    });
    expect(played.unscripted).toEqual(['eu']);
  });

  it('shows a step that policy refuses as an attempt that was rejected', () => {
    const set = one([
      {
        do: 'refer',
        to: { kind: 'literal', template: template('sip:{from_user}@a.example'), trusted: true },
        via: null,
        timeoutMs: null,
        ifFailed: {},
      },
      refer('eu'),
    ]);
    expect(play(set)).toMatchObject({
      path: ['refer sip:+14155550101@a.example', 'answer', 'refer eu'],
      attempts: [{ verdict: 'rejected' }, { verdict: 'completed' }],
    });
  });

  it('tries a pick in the caller’s order', () => {
    const played = play(one([pick({ us: 9, eu: 1 })]), { verdicts: { us: 'busy', eu: 'busy' } });
    expect(new Set(played.attempts.map((attempt) => attempt.target))).toEqual(
      new Set(['us', 'eu']),
    );
  });

  it('reaches rules on later events: answered, then key by key', () => {
    const set = routeSet([
      rule(
        'key',
        [
          clause({ key: 'event', values: ['call.dtmf.received'] }),
          clause({ key: 'digits', values: ['5'] }),
        ],
        [refer('us')],
      ),
    ]);
    expect(play(set, { digits: ['15'] })).toMatchObject({
      rule: 'key',
      path: ['refer us'],
      ends: 'referred',
    });
    expect(play(set, { digits: ['1'] })).toMatchObject({ rule: null, path: [], ends: 'ignored' });
  });

  it('waits for the far end of an outgoing leg instead of answering it', () => {
    const set = routeSet([
      rule('out', [clause({ key: 'direction', values: ['outgoing'] })], [refer('us')]),
    ]);
    expect(play(set, { facts: facts({ direction: 'outgoing' }) })).toMatchObject({
      rule: 'out',
      path: ['refer us'],
      ends: 'referred',
    });
  });

  it('always comes to an end, whatever the plan and the verdicts', { tags: ['long'] }, () => {
    const names = fc.constantFrom('us', 'eu');
    const verdict = fc.constantFrom<Verdict>(...failures, 'completed', 'abandoned');
    const { steps } = fc.letrec<{ steps: RouteStep[] }>((tie) => ({
      steps: fc.array(
        fc.oneof(
          { depthSize: 'small' },
          fc.constantFrom<RouteStep>(say('Hello.'), { do: 'play', url: 'https://a.example/x' }),
          names.map((name) => refer(name)),
          fc.constant(transfer('+14155550199')),
          fc.constantFrom<RouteStep>({ do: 'hangup' }, { do: 'ignore' }, { do: 'continue' }),
          tie('steps').map((branch) => menu({ '1': branch })),
          fc.tuple(names, tie('steps')).map(([name, any]) => refer(name, { any })),
        ),
        { maxLength: 4 },
      ),
    }));
    const script = fc.record({
      verdicts: fc.dictionary(fc.constantFrom('us', 'eu', '+14155550199'), fc.array(verdict)),
      digits: fc.array(fc.constantFrom('1', '2')),
      hangupAfter: fc.option(names),
    });
    fc.assert(
      fc.property(steps, script, (plan, scripted) => {
        const played = play(one(plan), scripted);
        expect(played.ends).not.toBe(null);
        const moves = played.path.filter((step) => /^(refer|transfer) /.test(step));
        expect(moves).toHaveLength(played.attempts.length);
      }),
      { numRuns: 500 },
    );
  });
});
