import { describe, expect, it } from 'vitest';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import { decide } from '../../../src/core/rules/decide.ts';
import type { Condition, Rule, Schedule } from '../../../src/core/rules/rule.ts';
import { TRACE_LINES_MAX } from '../../../src/core/rules/trace.ts';
import { clause, facts, moment, refer, routeSet, rule } from '../../helpers/route-set.ts';

const to = (...values: string[]) => clause({ key: 'to', values });
const event = (...values: ('call.initiated' | 'call.answered' | 'call.dtmf.received')[]) =>
  clause({ key: 'event', values });

const OFFICE: Schedule = {
  name: 'office',
  zone: 'America/New_York',
  open: [{ days: [1, 2, 3, 4, 5], fromMinute: 540, toMinute: 1050 }],
  closed: [],
  closedSpans: [],
  openSpans: [],
  special: [],
};

function ask(
  rules: Rule[],
  call: Parameters<typeof facts>[0] = {},
  when: Parameters<typeof moment>[0] = {},
) {
  const routes = compileRouteSet(routeSet(rules, { schedules: [OFFICE] }));
  return decide(routes, facts(call), moment(when), {});
}

describe('decide', () => {
  it('takes the first rule that matches and says why of each above it', () => {
    const sunday = Date.parse('2026-03-01T15:00:00Z');
    const decision = ask(
      [
        rule('other number', [to('+14155550111')]),
        rule('office', [to('+14155550100'), clause({ key: 'schedule', values: ['office'] })]),
        rule('after hours', [to('+1415555*')], [refer('us')]),
        rule('never looked at', []),
      ],
      {},
      { at: sunday },
    );
    expect(decision.rule).toBe('after hours');
    expect(decision.plan).toMatchObject([{ do: 'refer', sipAddress: 'sip:us@pbx.example.com' }]);
    expect(decision.trace).toEqual([
      { rule: 'other number', matched: false, why: 'to: +14155550100 is not +14155550111' },
      {
        rule: 'office',
        matched: false,
        why: 'schedule: office is closed on Sunday 2026-03-01 10:00 (America/New_York)',
      },
      { rule: 'after hours', matched: true, why: 'to: +14155550100 matches +1415555*' },
    ]);
    expect(decision.why).toBe('to: +14155550100 matches +1415555*');
    expect(decision.routeSet).toBe('hash');
  });

  it('falls to otherwise where nothing matches', () => {
    const decision = ask([rule('other number', [to('+14155550111')])]);
    expect(decision).toMatchObject({
      rule: null,
      plan: [{ do: 'reject', cause: 'declined' }],
      lastResort: [{ do: 'say' }, { do: 'hangup' }],
      why: 'no rule matched: otherwise',
    });
    expect(decision.trace).toHaveLength(1);
  });

  it('an override of a schedule counts', () => {
    const routes = compileRouteSet(
      routeSet([rule('office', [clause({ key: 'schedule', values: ['office'] })])], {
        schedules: [OFFICE],
      }),
    );
    const closed = { schedules: { office: { open: false, untilMs: null } } };
    expect(decide(routes, facts(), moment(), {}).rule).toBe('office');
    expect(decide(routes, facts(), moment(), closed).rule).toBe(null);
  });

  it('rules mean incoming calls unless they say otherwise; an outgoing leg no rule wants is unmanaged', () => {
    const rules = [
      rule('any', []),
      rule('out', [clause({ key: 'direction', values: ['outgoing'] }), to('+1*')]),
    ];
    expect(ask(rules).rule).toBe('any');
    const outgoing = ask(rules, { direction: 'outgoing' });
    expect(outgoing.rule).toBe('out');
    expect(outgoing.trace[0]?.why).toBe(
      'direction: outgoing is not incoming, the default of a rule that names no direction',
    );
    expect(ask(rules, { direction: 'outgoing', to: '+44' })).toMatchObject({
      rule: null,
      plan: null,
    });
    expect(ask(rules, { direction: null })).toMatchObject({ rule: null, plan: null });
  });

  it('bounds the stored trace to the rules nearest above, and gives all when asked', () => {
    const rules = Array.from({ length: 200 }, (_, i) => rule(`r${i}`, [to(`+44${1000 + i}`)]));
    rules.push(rule('last', []));
    const decision = ask(rules);
    expect(decision.trace).toHaveLength(TRACE_LINES_MAX + 2);
    expect(decision.trace[0]).toMatchObject({ rule: `(${200 - TRACE_LINES_MAX} rules above)` });
    expect(decision.trace[1]?.rule).toBe(`r${200 - TRACE_LINES_MAX}`);
    expect(decision.trace.at(-1)).toMatchObject({ rule: 'last', matched: true });
    const full = decide(
      compileRouteSet(routeSet(rules)),
      facts(),
      moment(),
      {},
      { fullTrace: true },
    );
    expect(full.trace).toHaveLength(201);
  });
});

describe('rules on later events', () => {
  const answered = rule('answered', [event('call.answered'), to('+14155550100')], [refer('us')]);
  const pressed = rule(
    'pressed',
    [event('call.dtmf.received'), clause({ key: 'digits', values: ['1'] })],
    [refer('eu')],
  );

  it('are looked at for their event only', () => {
    const initiated = ask([answered, rule('all', [])]);
    expect(initiated.rule).toBe('all');
    expect(initiated.trace[0]?.why).toBe('event: call.initiated is not call.answered');
    expect(ask([rule('all', []), answered], {}, { event: 'call.answered' }).rule).toBe('answered');
    expect(ask([pressed], {}, { event: 'call.dtmf.received', digits: '1' }).rule).toBe('pressed');
    expect(ask([pressed], {}, { event: 'call.dtmf.received', digits: '2' })).toMatchObject({
      rule: null,
      plan: null,
    });
  });

  it('leave a call unmanaged that they could want, instead of otherwise', () => {
    expect(ask([answered])).toMatchObject({
      rule: null,
      plan: null,
      why: 'no rule matched yet; "answered" waits for a later event: left unmanaged until then',
    });
    expect(ask([pressed]).plan).toBe(null);
    expect(ask([answered], { to: '+44' }).plan).not.toBe(null);
  });

  it.each<[string, Condition[], boolean]>([
    ['a schedule may be open by then', [clause({ key: 'schedule', values: ['office'] })], true],
    ['a country stays what it is', [clause({ key: 'country', values: ['IE'] })], false],
    ['not a schedule', [{ not: clause({ key: 'schedule', values: ['office'] }) }], true],
    ['not this number', [{ not: to('+14155550100') }], false],
    ['any of two', [{ any: [to('+44'), clause({ key: 'digits', values: ['1'] })] }], true],
  ])('%s', (_, when, wanted) => {
    const decision = ask([rule('later', [event('call.answered'), ...when])]);
    expect(decision.plan === null).toBe(wanted);
  });

  it('may stand for several events, and by exclusion', () => {
    const both = rule('both', [event('call.initiated', 'call.answered')]);
    expect(ask([both]).rule).toBe('both');
    expect(ask([both], {}, { event: 'call.answered' }).rule).toBe('both');
    const others = rule('others', [{ not: event('call.initiated') }]);
    expect(ask([others])).toMatchObject({ rule: null, plan: null });
    expect(ask([others], {}, { event: 'call.answered' }).rule).toBe('others');
  });
});

describe('handler rules', () => {
  const handler = (run: Extract<Rule['action'], { handler: string }>['run']) =>
    rule('mine', [to('+1*')], { handler: 'handlers/mine.ts', run });

  it('run only where their clauses match, and their steps are resolved', () => {
    let runs = 0;
    const mine = handler(() => {
      runs += 1;
      return { steps: [refer('us')] };
    });
    expect(ask([mine], { to: '+44' }).rule).toBe(null);
    expect(runs).toBe(0);
    const decision = ask([mine]);
    expect(decision.rule).toBe('mine');
    expect(decision.why).toContain('handlers/mine.ts returned steps');
    expect(runs).toBe(1);
  });

  it('that do not want the call let the rules go on; a failure is a warning as well', () => {
    const shy = handler(() => ({ notMine: 'returned undefined', warning: false }));
    const slow = handler(() => ({ notMine: 'took longer than 50 ms', warning: true }));
    const broken = handler(() => {
      throw new Error('boom');
    });
    const decision = ask([shy, slow, broken, rule('all', [])]);
    expect(decision.rule).toBe('all');
    expect(decision.trace.map((line) => line.why)).toEqual([
      'handlers/mine.ts: returned undefined',
      'handlers/mine.ts: took longer than 50 ms',
      'handlers/mine.ts: failed: boom',
      'it has no conditions',
    ]);
    expect(decision.warnings).toEqual([
      'rule mine: took longer than 50 ms',
      'rule mine: failed: boom',
    ]);
  });

  it('may go only where policy allows', () => {
    const mine = handler(() => ({
      steps: [
        {
          do: 'refer',
          to: { kind: 'literal', template: [{ literal: 'sip:x@evil.example' }], trusted: true },
          via: null,
          timeoutMs: null,
          ifFailed: {},
        },
      ],
    }));
    expect(ask([mine]).plan).toMatchObject([
      { problem: 'sip:x@evil.example is not allowed: policy.allow allows nothing' },
    ]);
  });
});
