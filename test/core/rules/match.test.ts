import fc from 'fast-check';
import { parsePhoneNumberFromString as parseWithAll } from 'libphonenumber-js/max';
import { parsePhoneNumberFromString as parseWithLeast } from 'libphonenumber-js/min';
import { describe, expect, it } from 'vitest';
import type { CallFacts } from '../../../src/core/machine/call.ts';
import { compileGlob } from '../../../src/core/rules/addresses/glob.ts';
import { placeText } from '../../../src/core/rules/clause/percent.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import { decide } from '../../../src/core/rules/decide.ts';
import { hashUnit } from '../../../src/core/rules/hash.ts';
import type { Clause, Condition, NumberList } from '../../../src/core/rules/rule.ts';
import { cpuTimeMs } from '../../helpers/cpu-time.ts';
import { clause, facts, moment, routeSet, rule } from '../../helpers/route-set.ts';

function look(when: Condition, call: Partial<CallFacts>, lists: NumberList[] = []) {
  const decision = decide(
    compileRouteSet(routeSet([rule('r', [when])], { lists })),
    facts(call),
    moment(),
    {},
  );
  return { matched: decision.rule === 'r', why: decision.trace[0]?.why ?? '' };
}

const matches = (one: Clause, call: Partial<CallFacts>, lists: NumberList[] = []) =>
  look(clause(one), call, lists).matched;

describe('from and to', () => {
  it.each([
    ['+14155550100', '+14155550100', true],
    ['+14155550100', '+1 (415) 555-0100', true],
    ['+1 415 555 0100', '+14155550100', true],
    ['+14155550100', 'tel:+1-415-555-0100;ext=1', true],
    ['+14155550100', 'sip:+14155550100@sip.telnyx.com;user=phone', true],
    ['+14155550100', '14155550100', false],
    ['+14155550100', '+141555501001', false],
    ['+1415555*', '+14155550100', true],
    ['+1415555*', '+1415555', true],
    ['+1415555*', '+1415556', false],
    ['+1415555*', 'sip:+1415555x@evil.example', false],
    ['+1415555010?', '+14155550100', true],
    ['+1415555010?', '+1415555010', false],
    ['*0100', '+14155550100', true],
    ['*', '+14155550100', true],
    ['*', null, false],
    ['sip:support@pbx.example.com', 'sip:support@PBX.example.COM:5060;transport=tls', true],
    ['sip:support@pbx.example.com', 'support@pbx.example.com', true],
    ['sip:support@pbx.example.com', 'sip:Support@pbx.example.com', false],
    ['sip:support@pbx.example.com', 'sip:support@pbx.example.com.evil.example', false],
    ['sip:support@pbx.example.com', 'sip:x@evil.example;p=support@pbx.example.com', false],
    ['sip:support@pbx.example.com:5060', 'sip:support@pbx.example.com', true],
    ['sip:support@pbx.example.com:5080', 'sip:support@pbx.example.com', false],
    ['sip:support@pbx.example.com:5080', 'sip:support@pbx.example.com:5080', true],
    ['sip:*@PBX.example.com', 'sip:anybody@pbx.example.com', true],
    ['sip:sup*', 'sip:support@pbx.example.com', true],
    ['*@pbx.example.com', 'sip:support@pbx.example.com', true],
    ['anonymous', 'anonymous', true],
  ])('%s against %s: %s', (value, to, expected) => {
    expect(matches({ key: 'to', values: [value] }, { to })).toBe(expected);
  });

  it('lists hold numbers, prefixes and globs', () => {
    const vip: NumberList = {
      name: 'vip',
      entries: ['+14155550101', 'sip:boss@pbx.example.com', '+4420*', '+1???5550199'],
    };
    const inVip = (from: string) => matches({ key: 'from', values: ['list:vip'] }, { from }, [vip]);
    expect(
      ['+14155550101', '+442071234567', '+12125550199', 'sip:boss@PBX.example.com'].map(inVip),
    ).toEqual([true, true, true, true]);
    expect(
      ['+14155550102', '+441', '+12125550198', '', 'constructor', '__proto__'].map(inVip),
    ).not.toContain(true);
  });

  it('finds the same winner as looking at every rule in turn', { tags: ['long'] }, () => {
    const digits = fc.string({ unit: fc.constantFrom('1', '2'), minLength: 1, maxLength: 4 });
    const value = fc.oneof(
      digits.map((text) => `+${text}`),
      digits.map((text) => `+${text}*`),
      digits.map((text) => `+${text}?`),
      digits.map((text) => `*${text}`),
      fc.constantFrom('list:a', 'list:b'),
      fc.nat({ max: 63 }).map((subset) => `list:${subset}`),
    );
    const leaf: fc.Arbitrary<Condition> = fc
      .tuple(
        fc.constantFrom('from' as const, 'to' as const),
        fc.array(value, { minLength: 1, maxLength: 3 }),
      )
      .map(([key, values]) => clause({ key, values }));
    const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
      condition: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.array(tie('condition'), { maxLength: 3 }).map((all) => ({ all })),
        fc.array(tie('condition'), { maxLength: 3 }).map((any) => ({ any })),
        tie('condition').map((not) => ({ not })),
      ),
    }));
    const lists: NumberList[] = [
      { name: 'a', entries: ['+1', '+12', '+22*'] },
      { name: 'b', entries: ['+2', '+11*', '+?2'] },
      // Each subset of six numbers, so that dozens of rules have dozens of hits.
      ...Array.from({ length: 64 }, (_, subset) => ({
        name: `${subset}`,
        entries: ['+1', '+2', '+11', '+12', '+21', '+22'].filter((_, i) => (subset >> i) & 1),
      })),
    ];
    const few = fc.array(condition, { maxLength: 8 });
    const dozens = fc.array(condition, { minLength: 60, maxLength: 100, size: 'max' });
    fc.assert(
      fc.property(fc.oneof(few, dozens), digits, digits, (conditions, from, to) => {
        const call = facts({ from: `+${from}`, to: `+${to}` });
        const rules = conditions.map((when, i) => rule(`r${i}`, [when]));
        const decision = decide(compileRouteSet(routeSet(rules, { lists })), call, moment(), {});
        const slow = conditions.findIndex((when) => holdsSlowly(when, call, lists));
        expect(decision.rule).toBe(slow < 0 ? null : `r${slow}`);
        expect(decision.trace.filter((line) => line.why === '')).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('a number that stands in thousands of lists costs no square of them', () => {
    const names = Array.from({ length: 4_000 }, (_, i) => `l${i}`);
    const lists = names.map((name) => ({
      name,
      entries: ['+14155550100'],
    }));
    const german = clause({ key: 'country', values: ['DE'] });
    const rules = names.map((name) =>
      rule(name, [clause({ key: 'to', values: [`list:${name}`] }), german]),
    );
    const routes = compileRouteSet(routeSet(rules, { lists }));
    const started = cpuTimeMs();
    for (let i = 0; i < 10; i += 1) decide(routes, facts(), moment(), {});
    // About 20 ms; with quadratic cost it took 1,500 ms.
    expect(cpuTimeMs() - started).toBeLessThan(400);
  });
});

/**
 * The meaning of conditions on numbers, written with regular expressions and without index, Set or
 * glob.
 */
function holdsSlowly(when: Condition, call: CallFacts, lists: NumberList[]): boolean {
  if ('all' in when) return when.all.every((one) => holdsSlowly(one, call, lists));
  if ('any' in when) return when.any.some((one) => holdsSlowly(one, call, lists));
  if ('not' in when) return !holdsSlowly(when.not, call, lists);
  const one = when.clause;
  if (one.key !== 'from' && one.key !== 'to') throw new Error('only numbers here');
  const subject = call[one.key] ?? '';
  const fits = (value: string): boolean => {
    const list = lists.find(({ name }) => value === `list:${name}`);
    if (list !== undefined) return [...list.entries].some(fits);
    const source = value.replace(/[+]/g, '\\+').replace(/\?/g, '.').replace(/\*/g, '.*');
    return new RegExp(`^${source}$`).test(subject);
  };
  return one.values.some(fits);
}

describe('the other clauses', () => {
  const header = (...values: string[]) => ({
    headers: values.map((value) => ({ name: 'x-QUEUE', value })),
  });
  it.each<[string, Clause, Partial<CallFacts>, boolean]>([
    ['direction', { key: 'direction', values: ['outgoing'] }, { direction: 'outgoing' }, true],
    ['connection_id', { key: 'connection_id', values: ['1684641123236054244'] }, {}, true],
    ['another connection', { key: 'connection_id', values: ['1684641123236054245'] }, {}, false],
    ['caller_type', { key: 'caller_type', values: ['sip'] }, {}, false],
    ['header', { key: 'header', name: 'X-Queue', values: ['sup*'] }, header('support'), true],
    [
      'second header of a name',
      { key: 'header', name: 'X-Queue', values: ['b'] },
      header('a', 'b'),
      true,
    ],
    ['header not sent', { key: 'header', name: 'X-Queue', values: ['*'] }, {}, false],
    ['empty header', { key: 'header', name: 'X-Queue', values: ['*'] }, header(''), true],
    ['country', { key: 'country', values: ['IE', 'GB'] }, { from: '+353861234567' }, true],
    ['country in lower case', { key: 'country', values: ['ie'] }, { from: '+353861234567' }, true],
    ['US is not CA', { key: 'country', values: ['CA'] }, { from: '+14155550101' }, false],
    ['GG is not GB', { key: 'country', values: ['GB'] }, { from: '+447781123456' }, false],
    ['VA is not IT', { key: 'country', values: ['IT'] }, { from: '+390669812345' }, false],
    ['in no range of +44', { key: 'country', values: ['GB'] }, { from: '+447700900123' }, true],
    ['in no area of +1', { key: 'country', values: ['US'] }, { from: '+15555550100' }, true],
    [
      'nor of the others',
      { key: 'country', values: ['CA', 'GG'] },
      { from: '+15555550100' },
      false,
    ],
    ['too short for +1', { key: 'country', values: ['US'] }, { from: '+1555555' }, false],
    ['of no country', { key: 'country', values: ['US', 'GB'] }, { from: '+80012345678' }, false],
    ['country of nobody', { key: 'country', values: ['US'] }, { from: null }, false],
    [
      'attestation',
      { key: 'attestation', values: ['A'] },
      { attestation: 'A', attestationValidated: true },
      true,
    ],
    [
      'attestation, not validated',
      { key: 'attestation', values: ['A'] },
      { attestation: 'A' },
      false,
    ],
    ['tags', { key: 'tags', values: ['b', 'c'] }, { tags: ['a', 'b'] }, true],
    ['no such tag', { key: 'tags', values: ['c'] }, { tags: ['a', 'b'] }, false],
  ])('%s', (_, one, call, expected) => {
    expect(matches(one, call)).toBe(expected);
  });

  it.each([
    null,
    '',
    'anonymous',
    'Anonymous',
    'RESTRICTED',
    'unavailable',
    'unknown',
    'anonymous@anonymous.invalid',
    'sip:anonymous@anonymous.invalid',
    'sip:Anonymous@carrier.example',
    '+266696687',
    'sip:+266696687@carrier.example',
  ])('%s is anonymous', (from) => {
    expect(matches({ key: 'anonymous', value: true }, { from })).toBe(true);
    expect(matches({ key: 'anonymous', value: false }, { from })).toBe(false);
  });

  it.each(['+14155550101', 'sip:anonymouse@b.example', '+2666966871'])('%s is not', (from) => {
    expect(matches({ key: 'anonymous', value: true }, { from })).toBe(false);
    expect(matches({ key: 'anonymous', value: false }, { from })).toBe(true);
  });

  it('the smallest metadata tells countries as the largest does', () => {
    const codes = ['1', '7', '44', '47', '61', '39', '212', '262', '353', '358', '590', '599'];
    fc.assert(
      fc.property(
        fc.constantFrom(...codes),
        fc.integer({ min: 1e8, max: 9999999999 }),
        (code, rest) => {
          const number = `+${code}${rest}`;
          expect(parseWithLeast(number)?.country).toBe(parseWithAll(number)?.country);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('percent', () => {
  const share = (value: number, from: string, more: Partial<CallFacts> = {}) =>
    matches({ key: 'percent', value }, { from, ...more });

  it('takes about its share of consecutive numbers, evenly over the whole range', () => {
    const buckets = new Array<number>(100).fill(0);
    const callers = 100_000;
    for (let i = 0; i < callers; i += 1) {
      const bucket = Math.floor(hashUnit('percent', 'gradual', `+1415${5_000_000 + i}`) * 100);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    const expected = callers / buckets.length;
    const chiSquare = buckets.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // With 99 degrees of freedom, 148 is exceeded by chance once in a thousand times.
    expect(chiSquare).toBeLessThan(148);
  });

  it('is sticky, and who is below 10 percent is below 20 too', () => {
    for (let i = 0; i < 200; i += 1) {
      const from = `+1415555${1000 + i}`;
      expect(share(10, from)).toBe(share(10, from));
      if (share(10, from)) expect(share(20, from)).toBe(true);
      expect(share(100, from)).toBe(true);
      expect(share(0, from)).toBe(false);
    }
  });

  it('says where the caller is, never on the wrong side of the share', () => {
    const place = fc.double({ min: 0, max: 100, noNaN: true, maxExcluded: true });
    const share = fc.oneof(
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 1_000_000 }).map((millionths) => millionths / 10_000),
    );
    fc.assert(
      fc.property(place, share, (at, below) => {
        const said = Number(placeText(at, below));
        expect(said < below).toBe(at < below);
        expect(Math.abs(said - at)).toBeLessThanOrEqual(0.1);
      }),
      {
        numRuns: 2_000,
        examples: [
          [9.97, 10],
          [99.999_999, 100],
          [9.96, 9.95],
        ],
      },
    );
    expect(placeText(37.25, 40)).toBe('37.2');
  });

  it('goes by the session where the caller is anonymous', () => {
    const results = new Set(
      Array.from({ length: 50 }, (_, i) => share(50, 'anonymous', { sessionId: `s${i}` })),
    );
    expect(results.size).toBe(2);
  });
});

describe('words', () => {
  it.each<[Condition, Partial<CallFacts>, string]>([
    [
      clause({ key: 'to', values: ['+14155550100'] }),
      { to: '+14155550111' },
      'to: +14155550111 is not +14155550100',
    ],
    [
      clause({ key: 'to', values: ['+1415*'] }),
      { to: null },
      'to: a call without a number does not match +1415*',
    ],
    [
      clause({ key: 'country', values: ['IE', 'GB'] }),
      { from: null },
      'country: the caller sent no number, expected IE or GB',
    ],
    [
      clause({ key: 'country', values: ['IE'] }),
      { from: 'Private' },
      'country: the caller (Private) withholds the number, expected IE',
    ],
    [
      clause({ key: 'country', values: ['IE', 'GB', 'FR', 'DE', 'NL', 'BE'] }),
      { from: '+14155550101' },
      'country: US is none of IE, GB, FR, DE, NL, BE',
    ],
    [
      clause({ key: 'country', values: ['IE'] }),
      { from: 'sip:ada@pbx.example.com' },
      'country: the caller sip:ada@pbx.example.com has no number, expected IE',
    ],
    [
      clause({ key: 'connection_id', values: ['1'] }),
      { connectionId: null },
      'connection_id: the call names none, expected 1',
    ],
    [
      clause({ key: 'attestation', values: ['A', 'B'] }),
      { attestation: null },
      'attestation: the call carries none, expected A or B',
    ],
    [
      clause({ key: 'anonymous', value: false }),
      { from: null },
      'anonymous: the caller sent no number',
    ],
    [
      clause({ key: 'header', name: 'X-Queue', values: ['a'] }),
      {},
      'header X-Queue: not sent, expected a',
    ],
    [
      clause({ key: 'attestation', values: ['A'] }),
      { attestation: 'A' },
      'attestation: A was not validated, expected A',
    ],
    [
      { not: clause({ key: 'to', values: ['+14155550100'] }) },
      {},
      'not: to: +14155550100 is +14155550100',
    ],
    [
      { any: [clause({ key: 'to', values: ['+1'] }), clause({ key: 'tags', values: ['x'] })] },
      {},
      'any: none of (to: +14155550100 is not +1 | tags: the call has none, expected x)',
    ],
    [
      clause({ key: 'from', values: ['+1'] }),
      { from: 'a\u001b[31m' },
      'from: a\\u001b[31m is not +1',
    ],
  ])('%j', (when, call, why) => {
    expect(look(when, call)).toEqual({ matched: false, why });
  });
});

describe('globs', () => {
  it('agree with regular expressions', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        const expression = new RegExp(`^${glob.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
        expect(compileGlob(glob).matches(subject)).toBe(expression.test(subject));
      }),
      { numRuns: 3_000 },
    );
  });

  it('cost no exponential time', () => {
    const glob = compileGlob(`${'*a'.repeat(50)}*b`);
    const started = cpuTimeMs();
    expect(glob.matches('a'.repeat(20_000))).toBe(false);
    expect(cpuTimeMs() - started).toBeLessThan(2_000);
  });
});
