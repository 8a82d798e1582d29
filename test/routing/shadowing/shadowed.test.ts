/**
 * Rules shadowed by an earlier rule: which are reported, which are not, and the cost of finding
 * them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import { decide } from '../../../src/core/rules/decide.ts';
import { factsOf } from '../../../src/routing/expected/example.ts';
import { cpuTimeMs } from '../../helpers/cpu-time.ts';
import { size } from '../../helpers/search-length.ts';
import { type Files, load, problemsOf, warningsOf } from '../routes-folder.ts';

const OTHERWISE = '\notherwise: [ hangup ]\n';

/** Whether the second of two rules is reported as shadowed. */
async function two(first: string, second: string, lists = ''): Promise<boolean> {
  const result = await load(
    `${lists}schedules: { o: { zone: UTC, open: [ "mon 09:00-10:00" ] } }\nrules:\n  - { name: a, when: ${first}, do: [ hangup ] }\n  - { name: b, when: ${second}, do: [ hangup ] }${OTHERWISE}`,
  );
  expect(problemsOf(result)).toEqual([]);
  return warningsOf(result).some((w) => w.includes('the rule "b" never runs: "a" (main.yaml:'));
}

describe('a rule that an earlier rule shadows', () => {
  test.each([
    ['{}', '{ to: "+14155550100" }'],
    ['{ to: "+1415*" }', '{ to: "+14155550100", from: "+1*" }'],
    ['{ to: "+1415*" }', '{ to: [ "+14155550100", "+1415555*" ] }'],
    ['{ to: "+1415*" }', '{ any: [ { to: "+14155550100" }, { to: "+14155550101" } ] }'],
    ['{ any: [ { to: "+1415*" }, { from: "+44*" } ] }', '{ to: "+14155550100" }'],
    ['{ schedule: o }', '{ schedule: o, caller_type: pstn }'],
    ['{ not: { schedule: o } }', '{ not: { schedule: o }, to: "+14155550100" }'],
    ['{ not: { to: "+14155550100" } }', '{ not: { to: "+1415*" } }'],
    ['{ percent: 100 }', '{ to: "+14155550100" }'],
    ['{ header: { X-A: "g*" } }', '{ header: { x-a: gold } }'],
    ['{ to: "sip:*@pbx.example.com" }', '{ to: "sip:a@pbx.example.com" }'],
    ['{ direction: [ incoming, outgoing ] }', '{ to: "+14155550100" }'],
  ])('%s before %s', async (first, second) => {
    expect(await two(first, second)).toBe(true);
  });

  test.each([
    ['{ to: "+1415*" }', '{ to: "+1416*" }'],
    ['{ to: "+1415*", schedule: o }', '{ to: "+14155550100" }'],
    ['{ to: "+1415*" }', '{ from: "+14155550100" }'],
    ['{ percent: 50 }', '{ percent: 10 }'],
    ['{ not: { to: "+1415*" } }', '{ not: { to: "+14155550100" } }'],
    ['{ schedule: o }', '{ not: { schedule: o } }'],
    ['{ to: "+14155550100" }', '{ to: "+14155550100", direction: outgoing }'],
    ['{}', '{ event: call.answered }'],
    ['{ country: US }', '{ from: "+1415*" }'],
  ])('not %s before %s', async (first, second) => {
    expect(await two(first, second)).toBe(false);
  });
});

describe('lists', () => {
  const LISTS = `lists:
  few: [ "+14155550101", "+14155550102" ]
  more: [ "+14155550101", "+14155550102", "+14155550103" ]
  overlap: [ "+14155550102", "+14155550199" ]
  prefixes: [ "+1415*", "+44*", "sip:*@pbx.example.com" ]
  longer: [ "+14155*", "+4420*" ]
  mixed: [ "+14155*", "+4930*" ]
  spelt: [ "+1 (415) 555-0101", "+1 (212)*", "SIP:Desk@PBX.Example.com" ]
  odd: [ "+1415555??00", "+1*99" ]
  sip: [ "sip:a@pbx.example.com", "sip:+14155550101@pbx.example.com" ]
  none: []
`;

  describe.each(['from', 'to'])('asked of %s', (field) => {
    const pair = (first: string, second: string) =>
      two(`{ ${field}: ${first} }`, `{ ${field}: ${second} }`, LISTS);

    test.each([
      ['a number on the list', '"list:few"', '"+14155550102"'],
      ['numbers on the list', '"list:few"', '[ "+14155550101", "+14155550102" ]'],
      ['a number that a prefix of the list begins', '"list:prefixes"', '"+442071234567"'],
      ['the list itself', '"list:few"', '"list:few"'],
      ['the list itself, nothing on it yet', '"list:none"', '"list:none"'],
      ['a list whose every number is on the list', '"list:more"', '"list:few"'],
      ['a list whose numbers its prefixes begin', '"list:prefixes"', '"list:few"'],
      ['a list of longer prefixes', '"list:prefixes"', '"list:longer"'],
      ['a longer prefix', '"list:prefixes"', '"+14155*"'],
      ['the same prefix', '"list:prefixes"', '"+1415*"'],
      ['a pattern that begins with a prefix', '"list:prefixes"', '"+1415*99"'],
      ['a list whose patterns a prefix begins', '"+1*"', '"list:odd"'],
      ['the same pattern', '"list:odd"', '"+1*99"'],
      ['a number that a pattern of the list matches', '"list:odd"', '"+14155551200"'],
      ['a list within a prefix', '"+1415*"', '"list:few"'],
      ['a list within single numbers', '[ "+14155550102", "+14155550101" ]', '"list:few"'],
      ['a list within two others', '[ "list:overlap", "+14155550101" ]', '"list:few"'],
      ['any list within everything', '"*"', '[ "list:prefixes", "list:sip" ]'],
      ['a number spelt with separators there', '"list:spelt"', '"+14155550101"'],
      ['a number spelt with separators here', '"list:few"', '"+1 415 555 0102"'],
      ['a prefix spelt with separators', '"list:spelt"', '[ "+12125550100", "+12125*" ]'],
      ['an address in other capitals', '"list:spelt"', '"sip:Desk@pbx.example.com"'],
      ['the SIP address of a number on it', '"list:few"', '"sip:+14155550102@example.com"'],
      ['a SIP address whose number a prefix begins', '"+1415*"', '"sip:+14155550102@example.com"'],
    ])('%s: %s before %s', async (_what, first, second) => {
      expect(await pair(first, second)).toBe(true);
    });

    test.each([
      ['a number beside it', '"list:few"', '"+14155550103"'],
      ['one of two numbers', '"list:few"', '[ "+14155550101", "+14155550103" ]'],
      ['a list partly on it', '"list:few"', '"list:overlap"'],
      ['a longer list', '"list:few"', '"list:more"'],
      ['prefixes partly begun', '"list:prefixes"', '"list:mixed"'],
      ['a shorter prefix', '"list:prefixes"', '"+141*"'],
      ['shorter prefixes', '"list:longer"', '"list:prefixes"'],
      ['a prefix of which only numbers are on it', '"list:few"', '"+1415555010*"'],
      ['a number beside its prefixes', '"list:prefixes"', '"+4930123456"'],
      ['a number that no pattern of it matches', '"list:odd"', '"+14155551201"'],
      ['a list of which one number begins otherwise', '"+1415555010*"', '"list:overlap"'],
      ['a SIP address that only begins like a number', '"+1415*"', '"sip:+1415abc@example.com"'],
      ['a number whose SIP address it has', '"list:sip"', '"+14155550101"'],
      ['an empty list', '"list:few"', '"list:none"'],
      ['what stands before it, an empty list', '"list:none"', '"+14155550101"'],
    ])('not %s: %s before %s', async (_what, first, second) => {
      expect(await pair(first, second)).toBe(false);
    });
  });

  test('a list asked of the caller says nothing about the number called', async () => {
    expect(await two('{ from: "list:few" }', '{ to: "list:few" }', LISTS)).toBe(false);
    expect(await two('{ from: "list:few", to: "+1*" }', '{ from: "list:few" }', LISTS)).toBe(false);
    expect(await two('{ from: "list:few" }', '{ from: "list:few", to: "+1*" }', LISTS)).toBe(true);
  });

  test('a list inside any or not', async () => {
    const any = '{ any: [ { to: "list:few" }, { to: "+14155550103" } ] }';
    expect(await two('{ to: "list:more" }', any, LISTS)).toBe(true);
    expect(await two('{ to: "list:few" }', any, LISTS)).toBe(false);
    expect(await two(any, '{ to: "list:few" }', LISTS)).toBe(true);
    const not = (list: string) => `{ not: { to: "list:${list}" } }`;
    expect(await two(not('few'), not('more'), LISTS)).toBe(true);
    expect(await two(not('more'), not('few'), LISTS)).toBe(false);
  });

  test('the first of several that shadow it is the one named', async () => {
    const rules = ['"+1415*"', '"list:few"', '"list:few"'].map(
      (to, index) => `  - { name: r${index}, when: { to: ${to} }, do: [ hangup ] }\n`,
    );
    const found = warningsOf(await load(`${LISTS}rules:\n${rules.join('')}${OTHERWISE}`));
    expect(found.filter((warning) => warning.includes('never runs'))).toEqual([
      expect.stringMatching(/^\d+:5 the rule "r1" never runs: "r0" \(main\.yaml:\d+\)/),
      expect.stringMatching(/^\d+:5 the rule "r2" never runs: "r0" \(main\.yaml:\d+\)/),
    ]);
  });
});

/**
 * Rules reported as shadowed really are, with numbers and addresses that nearly match each other.
 */
test('no rule that is said never to run wins a call', { tags: ['long'] }, async () => {
  const number = fc.constantFrom('+14155550', '+14155551', '+1415555012', '+44205550', '4155550');
  const address = fc.oneof(
    number,
    number.map((user) => `sip:${user}@a.example`),
    fc.constantFrom('sip:+1415abc@a.example', 'sip:desk@a.example', 'sip:desk@b.example:5080'),
  );
  const pattern = fc.oneof(
    fc.constantFrom('*', '+*', '+1*', '+1415*', '+1415555?', '+1*0', '415*', '*0'),
    fc.constantFrom(
      'sip:*@a.example',
      'sip:+1415*@*',
      'sip:desk@*',
      'sip:d*@*',
      'sip:*@*',
      'desk*',
    ),
  );
  const values = fc.uniqueArray(fc.oneof(address, pattern), { minLength: 1, maxLength: 4 });
  let named = 0;
  await fc.assert(
    fc.asyncProperty(
      values,
      values,
      fc.boolean(),
      fc.array(address),
      async (a, b, listed, more) => {
        const lists = `lists: { a: ${JSON.stringify(a)}, b: ${JSON.stringify(b)} }\n`;
        const when = (name: string, own: string[]) =>
          listed ? `{ from: "list:${name}" }` : `{ from: ${JSON.stringify(own)} }`;
        const rules = `rules:\n  - { name: a, when: ${when('a', a)}, do: [ hangup ] }\n  - { name: b, when: ${when('b', b)}, do: [ hangup ] }`;
        const result = await load(`${lists}${rules}${OTHERWISE}`);
        expect(problemsOf(result)).toEqual([]);
        if (!result.ok || !warningsOf(result).some((w) => w.includes('"b" never runs'))) return;
        named += 1;
        const routes = compileRouteSet(result.set);
        const moment = { event: 'call.initiated', digits: null, at: 0 } as const;
        // A pattern used as an address mostly matches itself.
        for (const from of [...more, ...[...a, ...b].map((text) => text.replace(/[*?]/g, '0'))]) {
          expect(decide(routes, factsOf(from, '+14155550100'), moment, {}).rule, from).not.toBe(
            'b',
          );
        }
      },
    ),
    { numRuns: 400 },
  );
  expect(named).toBeGreaterThan(20);
});

/**
 * The shadowed rule is the last one. It is only found if the thousands before it do not use up the
 * steps of LIMITS.subsumptionWork.
 */
describe('among thousands of rules', { tags: ['long'] }, () => {
  const RULES = 1_900;
  /**
   * Of each rule, and of a long list. The search may take 20 million steps. Looked for one by one,
   * a value of each rule among fourteen of each earlier rule takes 25 million steps, and 1,900
   * values among 20,000 prefixes take 38 million.
   */
  const VALUES = size(14, 20);
  const PREFIXES = size(20_000, 50_000);
  const number = (index: number) => `+1415${String(index).padStart(7, '0')}`;
  const many = <T>(count: number, of: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => of(index));

  /** The warnings for rules with these conditions, and the cost of loading them. */
  async function judge(whens: string[], lists: Record<string, string[]> = {}) {
    const names = Object.keys(lists);
    const files: Files = Object.fromEntries(
      names.map((name) => [`lists/${name}.txt`, (lists[name] ?? []).join('\n')]),
    );
    const declared = names.map((name) => `  ${name}: { file: lists/${name}.txt }\n`).join('');
    const rules = whens.map((when, i) => `  - { name: r${i}, when: ${when}, do: [ hangup ] }\n`);
    const main = `${names.length > 0 ? `lists:\n${declared}` : ''}rules:\n${rules.join('')}${OTHERWISE}`;
    const startedAt = cpuTimeMs();
    const result = await load({ 'main.yaml': main, ...files });
    const tookMs = cpuTimeMs() - startedAt;
    expect(problemsOf(result)).toEqual([]);
    const shadowed = warningsOf(result).flatMap(
      (text) => /the rule "(r\d+)" never runs: "(r\d+)"/.exec(text)?.slice(1).join(' by ') ?? [],
    );
    return { shadowed, tookMs };
  }

  test.each(['from', 'to'])('each with a list of its own, asked of %s', async (field) => {
    const lists = Object.fromEntries(
      many(RULES, (rule) => [`l${rule}`, many(VALUES, (i) => number(rule * VALUES + i))]),
    );
    const whens = [...Object.keys(lists), 'l1234'].map((name) => `{ ${field}: "list:${name}" }`);
    const { shadowed, tookMs } = await judge(whens, lists);
    expect(shadowed).toEqual([`r${RULES} by r1234`]);
    expect(tookMs).toBeLessThan(15_000);
  });

  test('a large list within a larger one', async () => {
    const lists = {
      large: many(20_000, (i) => number(i * 2)),
      larger: [...many(20_000, number), '+1415002*', '+1415003*'],
      beside: many(20_000, (i) => number(i === 19_999 ? 40_000 : i * 2)),
    };
    const whens = ['larger', 'large', 'beside'].map((name) => `{ from: "list:${name}" }`);
    const { shadowed, tookMs } = await judge(whens, lists);
    expect(shadowed).toEqual(['r1 by r0']);
    expect(tookMs).toBeLessThan(15_000);
  });

  test.each([
    ['SIP addresses', (rule: number) => `sip:u${rule}@a.example`, 'sip:u7@a.example'],
    ['patterns', (rule: number) => `+1${rule}*99`, '+17*99'],
    ['numbers', (rule: number) => `+1212555${String(rule).padStart(4, '0')}`, '+12125550007'],
  ])('%s after a list of thousands of prefixes', async (_what, value, last) => {
    const lists = { p: many(PREFIXES, (i) => `${number(i)}*`) };
    const whens = ['list:p', ...many(RULES, value), last].map((from) => `{ from: "${from}" }`);
    const { shadowed, tookMs } = await judge(whens, lists);
    expect(shadowed).toEqual([`r${RULES + 1} by r8`]);
    expect(tookMs).toBeLessThan(15_000);
  });

  test.each([
    ['numbers', (text: string) => `{ from: ${text} }`, (i: number) => number(i)],
    ['prefixes', (text: string) => `{ from: ${text} }`, (i: number) => `${number(i)}*`],
    ['header values', (text: string) => `{ header: { X-A: ${text} } }`, (i: number) => `v${i}`],
    ['connections', (text: string) => `{ connection_id: ${text} }`, (i: number) => `${10_000 + i}`],
  ])('each with %s of its own', async (_what, when, value) => {
    const rules = many(RULES, (rule) =>
      when(JSON.stringify(many(VALUES, (i) => value(rule * VALUES + i)))),
    );
    const { shadowed, tookMs } = await judge([...rules, rules[1234] ?? '']);
    expect(shadowed).toEqual([`r${RULES} by r1234`]);
    expect(tookMs).toBeLessThan(6_000);
  });
});
