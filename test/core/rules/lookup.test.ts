/** A decision only asks for lookups that could change it. */
import { describe, expect, test } from 'vitest';
import type { CallFacts, LookupFact } from '../../../src/core/machine/call.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import { decide } from '../../../src/core/rules/decide.ts';
import type { Condition, Lookup, RouteSet, RouteStep } from '../../../src/core/rules/rule.ts';
import { parseTemplate } from '../../../src/core/rules/texts/template.ts';
import { facts, refer, routeSet, rule, target, template } from '../../helpers/route-set.ts';

function lookup(name: string, url = 'https://crm.example.com/who?n={from}'): Lookup {
  return {
    name,
    url: template(url),
    headers: [{ name: 'Authorization', value: `\${CRM_TOKEN}` }],
    keep: [
      { name: 'tier', path: ['tier'] },
      { name: 'agent', path: ['agent'] },
    ],
    timeoutMs: 400,
    cacheMs: null,
  };
}

const tier = (value: string, name = 'crm'): Condition => ({
  clause: { key: 'lookup', lookup: name, field: 'tier', values: [value] },
});
const to = (value: string): Condition => ({ clause: { key: 'to', values: [value] } });

function set(when: Condition[], steps: RouteStep[] = [refer('us')], more = {}): RouteSet {
  return routeSet([rule('gold', when, steps), rule('rest', [], [refer('eu')])], {
    lookups: [lookup('crm'), lookup('billing')],
    ...more,
  });
}

function decided(routes: RouteSet, known?: CallFacts['lookups'], more: Partial<CallFacts> = {}) {
  const moment = { event: 'call.initiated', digits: null, at: 0 } as const;
  const of = facts({ ...more, ...(known === undefined ? {} : { lookups: known }) });
  return decide(compileRouteSet(routes), of, moment, {});
}

const answered = (values: Record<string, string>): LookupFact => ({ values, failed: null });

describe('a lookup is asked', () => {
  test('where a rule could match with it, with its address filled in and secrets as references', () => {
    const { plan, lookup: request } = decided(set([to('+14155550100'), tier('gold')]));
    expect(plan).toBeNull();
    expect(request).toMatchObject({
      name: 'crm',
      url: 'https://crm.example.com/who?n=%2B14155550101',
      headers: [{ name: 'Authorization', value: `\${CRM_TOKEN}` }],
    });
  });

  test('where `not`, `any` and `all` leave it open', () => {
    expect(decided(set([{ not: tier('gold') }])).lookup?.name).toBe('crm');
    const open = { any: [to('+14155550199'), tier('gold')] };
    expect(decided(set([open])).lookup?.name).toBe('crm');
    const both = [tier('gold'), tier('gold', 'billing')];
    const known = { crm: answered({ tier: 'gold' }) };
    expect(decided(set(both), known).lookup?.name).toBe('billing');
  });

  test('where the steps send what it brings', () => {
    const own = target('us', { sip: template('sip:{lookup:crm.agent}@pbx.example.com') });
    const routes = set([to('+14155550100')], [refer('us')], { targets: [own, target('eu')] });
    expect(decided(routes).lookup?.name).toBe('crm');
  });
});

describe('a lookup is not asked', () => {
  test('where something else of the rule fails', () => {
    const { rule: name, lookup: request, trace } = decided(set([tier('gold'), to('+14155550199')]));
    expect([name, request]).toEqual(['rest', undefined]);
    expect(trace[0]?.why).toBe('lookup crm: not asked, something else decides');
  });

  test('where a rule above takes the call', () => {
    const routes = set([to('+14155550100')]);
    routes.rules.push(rule('below', [tier('gold')], [refer('us')]));
    expect(decided(routes)).toMatchObject({ rule: 'gold' });
  });

  test('where one part of `any` holds, or one of `all` fails, whatever it brings', () => {
    expect(decided(set([{ any: [tier('gold'), to('+14155550100')] }])).rule).toBe('gold');
    const closed: Condition = { all: [tier('gold'), { not: to('+14155550100') }] };
    expect(decided(set([closed])).rule).toBe('rest');
  });

  test('without a value for its address: then it does not hold, and the trace says so', () => {
    const { rule: name, trace } = decided(set([tier('gold')]), undefined, { from: null });
    expect(name).toBe('rest');
    expect(trace[0]?.why).toBe('lookup crm: not asked: {from} has no value in this call');
  });

  test('a second time, whatever came of the first', () => {
    const failed = { values: {}, failed: 'no answer within 400 ms' };
    const { rule: name, trace } = decided(set([tier('gold')]), { crm: failed });
    expect(name).toBe('rest');
    expect(trace[0]?.why).toBe('lookup crm: no answer within 400 ms');
  });
});

describe('what a lookup brought', () => {
  test('matches by glob, and the trace shows it', () => {
    const gold = decided(set([tier('go*')]), { crm: answered({ tier: 'gold' }) });
    expect(gold).toMatchObject({ rule: 'gold', why: 'lookup crm.tier: gold matches go*' });
    const { trace } = decided(set([tier('go*')]), { crm: answered({ tier: 'silver' }) });
    expect(trace[0]?.why).toBe('lookup crm.tier: silver does not match go*');
    const without = decided(set([{ not: tier('*') }]), { crm: answered({ agent: '1' }) });
    expect(without.why).toBe('not (lookup crm.tier: not in its answer, expected *)');
  });

  test('fills a destination, which must be allowed, and a caller cannot leave its user part', () => {
    const own = target('us', { sip: template('sip:{lookup:crm.agent}@pbx.example.com') });
    const sent = (agent: string, allow: string[]) => {
      const routes = set([], [refer('us')], { targets: [own, target('eu')], policy: { allow } });
      const [step] = decided(routes, { crm: answered({ agent }) }).plan ?? [];
      return step?.do === 'refer' ? [step.sipAddress, step.problem === null] : [];
    };
    expect(sent('204', ['sip:*@pbx.example.com'])).toEqual(['sip:204@pbx.example.com', true]);
    expect(sent('204', [])).toEqual(['sip:204@pbx.example.com', false]);
    expect(sent('x@evil.example', ['sip:*@pbx.example.com'])).toEqual([
      'sip:x%40evil.example@pbx.example.com',
      true,
    ]);
    expect(sent('a\r\nb', ['sip:*@pbx.example.com'])).toEqual(['', false]);
  });
});

test('the address of a lookup cannot be led elsewhere by its caller', () => {
  const url = 'https://crm.example.com/callers/{from_user}/x';
  const routes = set([tier('gold')], [refer('us')], { lookups: [lookup('crm', url)] });
  const asked = (from: string) => decided(routes, undefined, { from });
  expect(asked('sip:a%2F..%2Fb@example.net').lookup?.url).toBe(
    'https://crm.example.com/callers/a%2F..%2Fb/x',
  );
  expect(asked('sip:..@example.net')).toMatchObject({ rule: 'rest' });
});

test('a place names a lookup and a field; the name may have dots', () => {
  expect(parseTemplate('{lookup:crm.v2.agent}')).toEqual([
    { place: 'lookup', lookup: 'crm.v2', field: 'agent' },
  ]);
  expect(parseTemplate('{lookup:agent}')).toEqual({
    problem:
      '{lookup:agent}: expected a lookup and a field that it keeps, such as {lookup:crm.agent}',
  });
});
