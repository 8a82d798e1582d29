import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../../../src/core/rules/rule.ts';
import { changes, isOpen, isOpenAt } from '../../../../src/core/rules/schedules/schedule.ts';
import { momentsOfWall, offsetMs } from '../../../../src/core/rules/schedules/zone.ts';

const WEEKDAYS = [1, 2, 3, 4, 5];

function schedule(part: Partial<Schedule>): Schedule {
  return {
    name: 'office',
    zone: 'America/New_York',
    open: [{ days: WEEKDAYS, fromMinute: 540, toMinute: 1050 }],
    closed: [],
    closedSpans: [],
    openSpans: [],
    special: [],
    ...part,
  };
}

const at = (text: string) => Date.parse(text);
const wall = (text: string) => Temporal.ZonedDateTime.from(text).epochMilliseconds;
const local = (ms: number, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDateTime().toString();

it('writes local times of the year 10000 whole', () => {
  const kiritimati = schedule({ zone: 'Pacific/Kiritimati' });
  expect(isOpen(kiritimati, at('9999-12-31T12:00:00Z'), {}).why).toBe(
    'office is closed on Saturday +010000-01-01 02:00 (Pacific/Kiritimati)',
  );
});

describe('isOpen', () => {
  it.each([
    ['2026-03-02T14:00:00Z', true], // Monday 09:00 EST
    ['2026-03-02T13:59:59.999Z', false],
    ['2026-03-02T22:29:59Z', true],
    ['2026-03-02T22:30:00Z', false], // the end is not included
    ['2026-03-09T13:00:00Z', true], // Monday 09:00 EDT, one day after the clocks went forward
    ['2026-03-09T12:59:00Z', false],
    ['2026-03-01T15:00:00Z', false], // Sunday
  ])('office hours at %s: %s', (when, open) => {
    expect(isOpen(schedule({}), at(when), {}).open).toBe(open);
  });

  it('says so in words with the wall time of its zone', () => {
    expect(isOpen(schedule({}), at('2026-03-01T15:00:00Z'), {}).why).toBe(
      'office is closed on Sunday 2026-03-01 10:00 (America/New_York)',
    );
  });

  it('runs over midnight, also from Sunday into Monday', () => {
    const night = schedule({ open: [{ days: [7], fromMinute: 22 * 60, toMinute: 30 * 60 }] });
    expect(isOpenAt(night, wall('2026-03-01T21:59[America/New_York]'), {})).toBe(false);
    expect(isOpenAt(night, wall('2026-03-01T22:00[America/New_York]'), {})).toBe(true);
    expect(isOpenAt(night, wall('2026-03-02T05:59[America/New_York]'), {})).toBe(true);
    expect(isOpenAt(night, wall('2026-03-02T06:00[America/New_York]'), {})).toBe(false);
    expect(isOpenAt(night, wall('2026-03-01T03:00[America/New_York]'), {})).toBe(false);
  });

  it('closes on dates, on parts of dates and on the same date of every year', () => {
    const holidays = schedule({
      open: [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1440 }],
      closed: [
        { date: '2026-12-25', fromMinute: 0, toMinute: 1440 },
        { date: '2026-12-24', fromMinute: 780, toMinute: 1440 },
        { date: '01-01', fromMinute: 0, toMinute: 1440 },
        { date: '02-29', fromMinute: 0, toMinute: 1440 },
      ],
    });
    const open = (text: string) => isOpenAt(holidays, wall(`${text}[America/New_York]`), {});
    expect(open('2026-12-24T12:59')).toBe(true);
    expect(open('2026-12-24T13:00')).toBe(false);
    expect(open('2026-12-25T12:00')).toBe(false);
    expect(open('2026-12-26T00:00')).toBe(true);
    expect(open('2027-12-25T12:00')).toBe(true);
    expect(open('2027-01-01T12:00')).toBe(false);
    expect(open('2031-01-01T12:00')).toBe(false);
    expect(open('2028-02-29T12:00')).toBe(false);
    expect(open('2027-02-28T12:00')).toBe(true);
    expect(open('2027-03-01T12:00')).toBe(true);
    expect(isOpen(holidays, wall('2026-12-25T12:00[America/New_York]'), {}).why).toContain(
      '2026-12-25 is among its closed times',
    );
  });

  it('closes in the busy times of a calendar, which may overlap and come in any order', () => {
    const spans = [
      { fromMs: at('2026-03-03T15:00:00Z'), toMs: at('2026-03-03T17:00:00Z'), summary: 'second' },
      { fromMs: at('2026-03-02T15:00:00Z'), toMs: at('2026-03-02T20:00:00Z'), summary: 'party' },
      { fromMs: at('2026-03-02T16:00:00Z'), toMs: at('2026-03-02T17:00:00Z'), summary: 'inner' },
    ];
    const office = schedule({ closedSpans: spans });
    expect(isOpenAt(office, at('2026-03-02T14:59:59Z'), {})).toBe(true);
    expect(isOpen(office, at('2026-03-02T15:00:00Z'), {}).why).toContain('party');
    expect(isOpenAt(office, at('2026-03-02T19:59:59Z'), {})).toBe(false);
    expect(isOpenAt(office, at('2026-03-02T20:00:00Z'), {})).toBe(true);
    expect(isOpenAt(office, at('2026-03-03T15:00:00Z'), {})).toBe(false);
  });

  it('names an event only while it lasts, also one that begins in another', () => {
    const span = (from: string, to: string, summary: string) => ({
      fromMs: at(`2026-03-02T${from}Z`),
      toMs: at(`2026-03-02T${to}Z`),
      summary,
    });
    const spans = [
      span('16:00:00', '20:00:00', 'stocktaking'),
      span('15:00:00', '17:00:00', 'party'),
      span('15:30:00', '16:30:00', 'speech'),
      span('19:59:00', '20:30:00', 'cleaning'),
    ];
    const office = schedule({ closedSpans: spans });
    const whyAt = (time: string) => isOpen(office, at(`2026-03-02T${time}Z`), {}).why;
    expect(whyAt('15:00:00')).toContain(': party is');
    expect(whyAt('16:59:59')).toContain(': party is');
    expect(whyAt('17:00:00')).toContain(': stocktaking is');
    expect(whyAt('19:59:59')).toContain(': stocktaking is');
    expect(whyAt('20:00:00')).toContain(': cleaning is');
    expect(changes(office, at('2026-03-02T15:00:00Z'), 1, {})).toMatchObject([
      { open: true, atMs: at('2026-03-02T20:30:00Z') },
    ]);
    const rota = schedule({ open: [], openSpans: spans });
    expect(isOpen(rota, at('2026-03-02T17:30:00Z'), {}).why).toContain(': stocktaking is in');
  });

  it('an override wins over everything until it ends', () => {
    const sunday = at('2026-03-01T15:00:00Z');
    const overrides = { schedules: { office: { open: true, untilMs: sunday + 1000 } } };
    expect(isOpen(schedule({}), sunday, overrides)).toEqual({
      open: true,
      why: 'office is open on Sunday 2026-03-01 10:00 (America/New_York): overridden by an operator until Sunday 2026-03-01 10:00 (America/New_York)',
    });
    expect(isOpenAt(schedule({}), sunday + 1000, overrides)).toBe(false);
    expect(
      isOpenAt(schedule({}), sunday, { schedules: { office: { open: true, untilMs: null } } }),
    ).toBe(true);
    expect(isOpenAt(schedule({ name: 'constructor' }), sunday, {})).toBe(false);
    const reason = ' works\non the  roof ';
    const said = { schedules: { office: { open: true, untilMs: null, reason } } };
    expect(isOpen(schedule({}), sunday, said).why).toMatch(
      /: overridden by an operator \(works on the roof\)$/,
    );
  });

  it('agrees with Temporal at any moment in any zone', () => {
    fc.assert(
      fc.property(anySchedule, anyMoment, (any, moment) => {
        expect(isOpenAt(any, moment, {})).toBe(openBySlowTemporal(any, moment));
      }),
      { numRuns: 500 },
    );
  });
});

describe('switches', () => {
  it('shows coming openings and closings by wall time across a change of the clocks', () => {
    const found = changes(schedule({}), at('2026-03-06T15:00:00Z'), 3, {});
    expect(found.map((one) => [local(one.atMs, 'America/New_York'), one.open])).toEqual([
      ['2026-03-06T17:30:00', false],
      ['2026-03-09T09:00:00', true],
      ['2026-03-09T17:30:00', false],
    ]);
    expect(found[1]?.atMs).toBe(at('2026-03-09T13:00:00Z'));
  });

  it('opens at the end of a gap that contains the opening time', () => {
    const early = schedule({ open: [{ days: [7], fromMinute: 150, toMinute: 240 }] });
    const found = changes(early, at('2026-03-08T00:00:00Z'), 2, {});
    expect(found.map((one) => one.atMs)).toEqual([
      at('2026-03-08T07:00:00Z'), // 02:00 EST = 03:00 EDT, so 02:30 does not exist
      at('2026-03-08T08:00:00Z'),
    ]);
  });

  it('opens twice where the hour comes twice', () => {
    const early = schedule({ open: [{ days: [7], fromMinute: 60, toMinute: 90 }] });
    const found = changes(early, at('2026-11-01T00:00:00Z'), 4, {});
    expect(found.map((one) => [one.atMs, one.open])).toEqual([
      [at('2026-11-01T05:00:00Z'), true],
      [at('2026-11-01T05:30:00Z'), false],
      [at('2026-11-01T06:00:00Z'), true],
      [at('2026-11-01T06:30:00Z'), false],
    ]);
  });

  it('includes the end of an override', () => {
    const until = at('2026-03-01T20:00:00Z');
    const [first] = changes(schedule({}), at('2026-03-01T15:00:00Z'), 1, {
      schedules: { office: { open: true, untilMs: until } },
    });
    expect(first).toMatchObject({ atMs: until, open: false });
  });

  it('finds nothing for a schedule that never opens, and does not look for ever', () => {
    expect(changes(schedule({ open: [] }), 0, 5, {})).toEqual([]);
  });

  it('misses no change: it agrees with asking at every minute around changes of the clocks', {
    tags: ['long'],
  }, () => {
    fc.assert(
      fc.property(anySchedule, fc.constantFrom(...CLOCK_CHANGES), (any, change) => {
        const fromMs = at(change) - 40 * 3_600_000;
        const minutes = 80 * 60;
        const slow: number[] = [];
        let open = isOpenAt(any, fromMs, {});
        for (let minute = 1; minute <= minutes; minute += 1) {
          const now = isOpenAt(any, fromMs + minute * 60_000, {});
          if (now !== open) slow.push(fromMs + minute * 60_000);
          open = now;
        }
        const fast = changes(any, fromMs, slow.length + 1, {}).map((one) => one.atMs);
        expect(fast.filter((moment) => moment <= fromMs + minutes * 60_000)).toEqual(slow);
      }),
      { numRuns: 60 },
    );
  });
});

const CLOCK_CHANGES = [
  '2026-03-08T07:00:00Z',
  '2026-11-01T06:00:00Z',
  '2026-03-29T01:00:00Z',
  '2026-10-25T01:00:00Z',
  '2026-04-04T15:00:00Z', // Lord Howe, half an hour
  '2026-10-03T15:30:00Z',
  '2026-12-31T12:00:00Z',
];

const ZONES = [
  'America/New_York',
  'Europe/Dublin',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'America/St_Johns',
  'Pacific/Apia',
  'Africa/Casablanca',
  'UTC',
];

const anyMoment = fc
  .tuple(fc.constantFrom(...CLOCK_CHANGES), fc.integer({ min: -60 * 72, max: 60 * 72 }))
  .map(([change, minutes]) => at(change) + minutes * 60_000);

const anyDate = fc.constantFrom(
  '2026-03-08',
  '2026-11-01',
  '03-29',
  '10-25',
  '2026-10-04',
  '01-01',
);

const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  name: fc.constant('any'),
  zone: fc.constantFrom(...ZONES),
  open: fc.array(
    fc
      .tuple(
        fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        fc.integer({ min: 0, max: 1439 }),
        fc.integer({ min: 1, max: 1440 }),
      )
      .map(([days, fromMinute, length]) => ({ days, fromMinute, toMinute: fromMinute + length })),
    { maxLength: 3 },
  ),
  closed: fc.array(
    fc
      .tuple(anyDate, fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 }))
      .map(([date, fromMinute, length]) => ({ date, fromMinute, toMinute: fromMinute + length })),
    { maxLength: 2 },
  ),
  closedSpans: fc.array(
    fc
      .tuple(anyMoment, fc.integer({ min: 1, max: 3000 }))
      .map(([fromMs, minutes]) => ({ fromMs, toMs: fromMs + minutes * 60_000, summary: 'busy' })),
    { maxLength: 3 },
  ),
  openSpans: fc.array(
    fc
      .tuple(anyMoment, fc.integer({ min: 1, max: 3000 }))
      .map(([fromMs, minutes]) => ({ fromMs, toMs: fromMs + minutes * 60_000, summary: 'rota' })),
    { maxLength: 2 },
  ),
  special: fc.array(
    fc
      .tuple(
        anyDate,
        fc.option(fc.tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 }))),
        fc.integer({ min: 1, max: 2 }),
      )
      .map(([date, hours, days]) => ({
        date,
        times: hours === null ? null : [{ fromMinute: hours[0], toMinute: hours[0] + hours[1] }],
        days,
      })),
    { maxLength: 3 },
  ),
});

/**
 * The definition: a local time is open if an interval that began today or yesterday contains it.
 */
function openBySlowTemporal(any: Schedule, moment: number): boolean {
  const now = Temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(any.zone);
  const minute = now.hour * 60 + now.minute;
  const today = now.toPlainDate();
  const yesterday = today.subtract({ days: 1 });
  const covers = (one: { fromMinute: number; toMinute: number }, at: number) =>
    one.fromMinute <= at && at < one.toMinute;
  const named = (date: string, day: Temporal.PlainDate) =>
    date === day.toString() || date === day.toString().slice(5);
  const specialOn = (day: Temporal.PlainDate) => {
    const all = any.special.filter(({ date }) => named(date, day));
    const dated = all.filter(({ date }) => date === day.toString());
    const entries = dated.length > 0 ? dated : all;
    const fewest = Math.min(...entries.map(({ days }) => days));
    const winners = entries.filter(({ days }) => days === fewest);
    return winners.length === 0 ? null : winners.flatMap(({ times }) => times ?? []);
  };
  const before = specialOn(yesterday);
  if (before?.some((time) => covers(time, minute + 1440))) return true;
  const special = specialOn(today);
  if (special !== null) return special.some((time) => covers(time, minute));
  const open = any.open.some(
    (one) =>
      (one.days.includes(today.dayOfWeek) && covers(one, minute)) ||
      (before === null && one.days.includes(yesterday.dayOfWeek) && covers(one, minute + 1440)),
  );
  const rota = any.openSpans.some((span) => span.fromMs <= moment && moment < span.toMs);
  const closed = any.closed.some(
    (one) =>
      (named(one.date, today) && covers(one, minute)) ||
      (named(one.date, yesterday) && covers(one, minute + 1440)),
  );
  const busy = any.closedSpans.some((span) => span.fromMs <= moment && moment < span.toMs);
  return (open || rota) && !closed && !busy;
}

describe('wall time of zones', () => {
  it('is right on both sides of a change that was asked about first', () => {
    // No other test uses this zone, so the first question ever is about the change itself.
    const change = at('2026-03-08T08:00:00Z');
    expect(offsetMs('America/Chicago', change)).toBe(-5 * 3_600_000);
    expect(offsetMs('America/Chicago', change - 1)).toBe(-6 * 3_600_000);
    expect(offsetMs('America/Chicago', change + 1)).toBe(-5 * 3_600_000);
  });

  it('comes never in a gap and twice in an overlap', () => {
    const moments = (text: string) => momentsOfWall('America/Chicago', at(text)).length;
    expect(moments('2026-03-08T02:30:00Z')).toBe(0);
    expect(moments('2026-03-08T03:00:00Z')).toBe(1);
    expect(moments('2026-11-01T01:30:00Z')).toBe(2);
  });
});
