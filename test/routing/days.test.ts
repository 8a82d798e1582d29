/** Special days, and rules with dates and switches, in route files. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileRouteSet } from '../../src/core/rules/compiled-routes.ts';
import { decide } from '../../src/core/rules/decide.ts';
import { isOpenAt } from '../../src/core/rules/schedules/schedule.ts';
import { runExamples } from '../../src/routing/expected/examples.ts';
import { loadCompiled } from '../../src/routing/load.ts';
import { facts, moment } from '../helpers/route-set.ts';
import { withFolder } from './routes-folder.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');

function load(files: Record<string, string> | string) {
  const written = typeof files === 'string' ? { 'main.yaml': files } : files;
  return withFolder(written, (dir) => loadCompiled(dir, { env: {}, handlers: false, nowMs: NOW }));
}

async function loaded(files: Record<string, string> | string) {
  const result = await load(files);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}

async function said(text: string): Promise<string[]> {
  const { warnings, ...rest } = await load(text);
  const problems = rest.ok ? [] : rest.problems;
  return [...problems, ...warnings].map(
    ({ line, column, message, hint }) => `${line}:${column} ${message} (${hint})`,
  );
}

const END = '\notherwise: [ hangup ]\n';
const OFFICE = (more: string, when = '{ schedule: o }') =>
  `schedules: { o: { zone: Europe/Berlin, open: [ "mon-fri 09:00-17:00" ], ${more} } }\nrules: [ { name: a, when: ${when}, do: [ hangup ] } ]${END}`;

describe('ranges', () => {
  const day = fc.integer({ min: 0, max: 800 });

  test('are the same as their days, one by one', async () => {
    const date = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 86_400_000).toISOString();
    await fc.assert(
      fc.asyncProperty(day, fc.integer({ min: 0, max: 40 }), async (first, length) => {
        const days = Array.from({ length: length + 1 }, (_, n) => date(first + n).slice(0, 10));
        for (const [key, rest] of [
          ['closed', ' 10:00-12:00'],
          ['closed', ''],
        ]) {
          const range = `"${days[0]}..${days.at(-1)}${rest}"`;
          const one = await loaded(OFFICE(`${key}: [ ${range} ]`));
          const many = await loaded(
            OFFICE(`${key}: [ ${days.map((each) => `"${each}${rest}"`).join(', ')} ]`),
          );
          expect(one.set.schedules.get('o')?.closed).toEqual(many.set.schedules.get('o')?.closed);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('without a year go over the end of it', async () => {
    const { set } = await loaded(OFFICE('closed: [ "12-30..01-02" ]'));
    expect(set.schedules.get('o')?.closed.map(({ date }) => date)).toEqual([
      '12-30',
      '12-31',
      '01-01',
      '01-02',
    ]);
  });
});

test('special days, reasons and a calendar of opening hours open and close a schedule', async () => {
  const { set } = await loaded({
    'main.yaml': OFFICE(
      `special: [ "2026-12-05 10:00-16:00", "2027-01-02 closed", { days: "2026-12-24 09:00-12:00", because: eve } ],
       closed: [ { days: [ "2026-12-25", "12-26" ], because: holiday } ], open_ical: rota.ics`,
      '{ closed_because: { o: [ holiday, eve ] } }',
    ),
    'rota.ics': `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTART:20261206T080000Z\nDTEND:20261206T100000Z\nSUMMARY:Anna\nEND:VEVENT\nEND:VCALENDAR\n`,
  });
  const schedule = set.schedules.get('o');
  if (schedule === undefined) throw new Error('no schedule');
  const open = (text: string) => isOpenAt(schedule, Date.parse(text), {});
  expect(open('2026-12-05T12:00:00Z')).toBe(true);
  expect(open('2026-12-06T09:00:00Z')).toBe(true);
  expect(open('2026-12-06T10:00:00Z')).toBe(false);
  expect(open('2026-12-24T13:00:00Z')).toBe(false);
});

test('a reason is said once', async () => {
  const { set } = await loaded(
    OFFICE(
      `special: [ { days: "2026-12-24 09:00-12:00", because: eve } ],
       closed: [ { days: "12-25", because: holiday } ]`,
      '{ closed_because: { o: [ holiday, eve ] } }',
    ),
  );
  const why = (text: string) =>
    decide(compileRouteSet(set), facts(), moment({ at: Date.parse(text) }), {}).why;
  expect(why('2026-12-25T11:00:00Z')).toBe(
    'closed_because: o is closed on Friday 2026-12-25 12:00 (Europe/Berlin): 12-25 is among its closed times (holiday)',
  );
  expect(why('2026-12-24T15:00:00Z')).toMatch(/: 2026-12-24 is a special day \(eve\)$/);
  // Outside the weekly hours the hours are the cause, and the reason is said all the same.
  expect(why('2026-12-25T20:00:00Z')).toMatch(/ holiday$|\(holiday\)$/);
});

describe('what is wrong with days is located', () => {
  test.each([
    ['special: [ "2026-12-05" ]', 'does not say what is special about the day'],
    ['special: [ "2026-12-05 shut" ]', 'times such as 10:00-16:00, closed or open'],
    ['closed: [ "2026-12-24-2027-01-01" ]', 'write the range as "2026-12-24..2027-01-01"'],
    [
      'special: [ "2026-12-05 10:00-12:00, 13:00-16:00" ]',
      'write an entry for each: "2026-12-05 10:00-12:00", "2026-12-05 13:00-16:00"',
    ],
    [
      'closed: [ "12-24..12-31 9:00-10:00 and 14-16" ]',
      'write an entry for each: "12-24..12-31 09:00-10:00", "12-24..12-31 14:00-16:00"',
    ],
    ['closed: [ "2026-12-24 from noon on" ]', 'yyyy-mm-dd, or mm-dd for every year, such as'],
    ['closed: [ "2026-12-24 .. 2027-01-01" ]', 'write "2026-12-24..2027-01-01"'],
    ['closed: [ "2027-01-01..2026-12-24" ]', 'write "2026-12-24..2027-01-01"'],
    ['closed: [ "2026-12-24..01-01" ]', 'has a year at one end only'],
    ['closed: [ "2026-01-01..2046-01-01" ]', 'more than 3660'],
    ['closed: [ "2026-02-27..2026-02-30" ]', '"2026-02-30" is not a date that exists'],
    ['special: [ "12-05 closed", "12-05 10:00-12:00" ]', '12-05 is closed and also has hours'],
    ['special: [ "2026-11-28 closed" ]', 'all special days of "o" are over'],
    ['closed: [ { days: "12-25" } ]', 'has no because'],
  ])('%s', async (written, words) => {
    const [first] = await said(OFFICE(written));
    expect(first).toContain(words);
    expect(first).toMatch(/^1:/);
  });

  test('a reason that no day has', async () => {
    const closed = 'closed: [ { days: "12-25", because: holiday } ]';
    expect(await said(OFFICE(closed, '{ closed_because: { o: holyday } }'))).toEqual([
      expect.stringMatching(
        /^2:\d+ the schedule "o" is never closed because of "holyday" .did you mean holiday/,
      ),
    ]);
    const [unknown] = await said(OFFICE(closed, '{ closed_because: { p: holiday } }'));
    expect(unknown).toContain('unknown schedule "p"');
  });

  test('a schedule without hours', async () => {
    const [first] = await said(
      `schedules: { o: { zone: UTC } }\nrules: [ { name: a, when: { schedule: o }, do: [ hangup ] } ]${END}`,
    );
    expect(first).toContain('the schedule "o" has neither open nor open_ical');
  });
});

describe('a rule with dates', () => {
  const rule = (dates: string, more = '') =>
    `${more}rules: [ { name: a, ${dates}, do: [ hangup ] } ]${END}`;

  test('matches from its first moment to the end of its last day, in the zone of the policy', async () => {
    const { routes } = await loaded(
      rule('from: 2026-12-01, until: 2026-12-31', 'policy: { zone: America/New_York }\n'),
    );
    const at = (text: string) => decide(routes, facts(), moment({ at: Date.parse(text) }), {});
    expect(at('2026-12-01T04:59:59Z').trace[0]?.why).toBe(
      'the rule begins on Tuesday 2026-12-01 00:00 (America/New_York)',
    );
    expect(at('2026-12-01T05:00:00Z').rule).toBe('a');
    expect(at('2027-01-01T04:59:59Z').rule).toBe('a');
    expect(at('2027-01-01T05:00:00Z').trace[0]?.why).toBe(
      'the rule expired on Friday 2027-01-01 00:00 (America/New_York)',
    );
  });

  test('takes the zone that all schedules have, or UTC', async () => {
    const zones = (other: string) =>
      `schedules: { o: { zone: Asia/Tokyo, open: [ "mon 09:00-10:00" ] }, p: { zone: ${other}, open: [ "mon 09:00-10:00" ] } }\n`;
    const why = async (other: string) => {
      const { routes } = await loaded(rule('from: "2027-01-01"', zones(other)));
      return decide(routes, facts(), moment({ at: NOW }), {}).trace[0]?.why;
    };
    expect(await why('Asia/Tokyo')).toContain('(Asia/Tokyo)');
    expect(await why('UTC')).toContain('(UTC)');
    const warnings = await said(rule('from: "2027-01-01"', zones('UTC')));
    expect(warnings.join()).toContain('because the schedules have several zones');
  });

  test('is reported once it has expired, and hides nothing then', async () => {
    const expired = `rules:\n  - { name: a, until: "2026-11-28", do: [ hangup ] }\n  - { name: b, do: [ hangup ] }${END}`;
    expect(await said(expired)).toEqual([
      '2:23 the rule "a" expired on Sunday 2026-11-29 00:00 (UTC) (remove it, or give it another until)',
    ]);
    expect(await said(expired.replace('2026-11-28', '2026-11-29'))).toEqual([]);
  });

  test('shadows a rule that is in force only within its time', async () => {
    const two = (until: string) =>
      `rules:\n  - { name: a, until: "2027-06-30", do: [ hangup ] }\n  - { name: b, until: "${until}", do: [ hangup ] }${END}`;
    expect((await said(two('2027-05-01'))).join()).toContain('the rule "b" never runs');
    expect(await said(two('2027-07-01'))).toEqual([]);
  });

  test.each([
    ['until: "2026-12-31T17:00"', 'its zone is missing'],
    ['until: "2026-02-30"', 'is not a date that exists'],
    ['until: "soon"', 'or a date such as 2026-12-31'],
    ['from: "2027-02-01", until: "2027-01-01"', 'ends before it begins'],
  ])('%s', async (dates, words) => {
    expect((await said(rule(dates))).join()).toContain(words);
  });
});

describe('switches', () => {
  const SET = `switches: { main-site: on, annex: off, roof: true }
rules:
  - { name: both, when: { switch: { main-site: off, annex: on } }, do: [ hangup ] }
  - { name: main, when: { switch: main-site, to: "+14155550100" }, do: [ hangup ] }
  - { name: any, when: { switch: [ annex, roof ] }, do: [ hangup ] }
otherwise: [ hangup ]
`;

  test('decide, with their default or as turned, and the trace says so', async () => {
    const { routes } = await loaded(SET);
    const ask = (switches: Record<string, { on: boolean; untilMs: number | null }>) =>
      decide(routes, facts(), moment({ at: NOW }), { switches });
    expect(ask({}).rule).toBe('main');
    expect(ask({}).why).toContain('main-site is on, its default');
    const off = { on: false, untilMs: NOW + 1, reason: 'works' };
    expect(ask({ 'main-site': off, annex: { on: true, untilMs: null } }).rule).toBe('both');
    const other = ask({ 'main-site': off });
    expect(other.rule).toBe('any');
    expect(other.trace[1]?.why).toMatch(
      /^switch: main-site is off: turned off by an operator until .* \(works\)$/,
    );
    expect(ask({ 'main-site': { ...off, untilMs: NOW } }).rule).toBe('main');
  });

  test('stand in examples, and names are checked everywhere', async () => {
    const call = 'call: { to: "+14155550100" }';
    const { set, examples } = await loaded(
      `${SET}examples:\n  - { name: x, ${call}, switches: { main-site: off }, expect: { rule: any } }\n`,
    );
    expect(runExamples(set, examples, NOW).results).toMatchObject([{ ok: true }]);
    const wrong = SET.replace('[ annex, roof ]', '[ anex, roof ]');
    expect(await said(wrong)).toEqual([
      expect.stringMatching(/^5:\d+ unknown switch "anex" .did you mean annex/),
    ]);
    const example = `${SET}examples:\n  - { name: x, ${call}, switches: { mainsite: off }, expect: { rule: any } }\n`;
    expect((await said(example)).join()).toContain(
      'unknown switch "mainsite" (did you mean main-site?)',
    );
    const unused = SET.replace('annex: off', 'annex: off, spare: on');
    expect((await said(unused)).join()).toContain('the switch "spare" is not used by any rule');
    expect((await said(SET.replace('annex: off', 'annex: maybe'))).join()).toContain(
      'cannot be "maybe"',
    );
  });

  test('a rule for a reason behind one for everything closed never runs', async () => {
    const words =
      await said(`schedules: { o: { zone: UTC, open: [ "mon 09:00-10:00" ], closed: [ { days: "12-25", because: holiday } ] } }
rules:
  - { name: closed, when: { not: { schedule: o } }, do: [ hangup ] }
  - { name: holiday, when: { closed_because: { o: holiday } }, do: [ hangup ] }${END}`);
    expect(words.join()).toContain('the rule "holiday" never runs');
  });
});
