/** The index finds what trying every rule in order finds. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readPattern } from '../../../src/core/rules/addresses/address.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import { decide } from '../../../src/core/rules/decide.ts';
import { firstMatch } from '../../../src/core/rules/definition.ts';
import type { Clause, Condition, NumberList } from '../../../src/core/rules/rule.ts';
import { Table } from '../../../src/core/rules/tables/table.ts';
import { clause, facts, moment, routeSet, rule } from '../../helpers/route-set.ts';

const EVENTS = ['call.initiated', 'call.answered', 'call.dtmf.received'] as const;
const DIRECTIONS = ['incoming', 'outgoing'] as const;
const NUMBERS = [
  '+1',
  '+12',
  '+14155550100',
  '+4930123456',
  'sip:ada@pbx.example.com',
  'anonymous',
];
const LISTS: NumberList[] = [
  { name: 'a', entries: ['+1', 'ada@pbx.example.com', '+49*'] },
  { name: 'b', entries: ['+1415*', '+1?', '*@pbx.example.com'] },
];

const TABLE = new Table(
  { name: 't', key: 'to', file: 't.csv', columns: ['to', 'tier'], keyColumn: 0 },
  '+1,gold\n+49*,silver\nsip:*,gold\n',
);
for (const [line, key] of ['+1', '+49*', 'sip:*'].entries()) {
  const start = [0, 8, 20][line] ?? 0;
  TABLE.add({ key: readPattern(key), start, line: line + 1 });
}

const some = <T>(...values: T[]) => fc.subarray(values, { minLength: 1, maxLength: 2 });
const values = some(
  ...NUMBERS,
  '+1*',
  '+?2',
  '*0100',
  '*',
  'sip:*@PBX.example.com',
  'list:a',
  'list:b',
);
const clauses: fc.Arbitrary<Clause> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ key: fc.constantFrom('from', 'to'), values }) },
  fc.record({ key: fc.constant('to'), values: some('table:t', '+1*') }),
  fc.record({
    key: fc.constant('row'),
    column: fc.constant('tier'),
    scope: fc.constant([['t']]),
    values: some('gold', 's*'),
  }),
  fc.record({ key: fc.constant('direction'), values: some(...DIRECTIONS) }),
  fc.record({ key: fc.constant('event'), values: some(...EVENTS) }),
  fc.record({ key: fc.constant('digits'), values: some('1', '2') }),
  fc.record({ key: fc.constant('country'), values: some('US', 'DE') }),
  fc.record({ key: fc.constant('anonymous'), value: fc.boolean() }),
  fc.record({ key: fc.constant('percent'), value: fc.integer({ min: 0, max: 100 }) }),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    clauses.map(clause),
    fc.array(tie('condition'), { maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie('condition'), { maxLength: 3 }).map((any) => ({ any })),
    tie('condition').map((not) => ({ not })),
  ),
}));
const party = fc.constantFrom(...NUMBERS, '+13', '+14155550199', 'sip:bob@PBX.example.com', null);
const calls = fc.record({
  from: party,
  to: party,
  direction: fc.constantFrom(...DIRECTIONS, null),
});
const moments = fc.record({
  event: fc.constantFrom(...EVENTS),
  digits: fc.constantFrom(null, '1', '2'),
});

it('decides as the definition does, for every call at every event', { tags: ['long'] }, () => {
  let matched = 0;
  fc.assert(
    fc.property(fc.array(condition, { maxLength: 12 }), calls, moments, (conditions, call, at) => {
      const set = routeSet(
        conditions.map((when, n) => rule(`rule ${n}`, [when])),
        { lists: LISTS, tables: [TABLE] },
      );
      const { rule: decided } = decide(compileRouteSet(set), facts(call), moment(at), {});
      const defined = firstMatch(set, facts(call), moment(at), {});
      if (defined !== null) matched += 1;
      expect(decided).toBe(defined?.name ?? null);
    }),
    { numRuns: 2_000 },
  );
  // If hardly any call matched a rule, the test would prove little.
  expect(matched).toBeGreaterThan(200);
});
