import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../../../src/core/rules/rule.ts';
import {
  changes,
  closedBecause,
  isOpen,
  isOpenAt,
} from '../../../../src/core/rules/schedules/schedule.ts';

const at = (text: string): number => Date.parse(text);

/** Weekdays 9 to 17 in Berlin. */
function office(more: Partial<Schedule>): Schedule {
  return {
    name: 'office',
    zone: 'Europe/Berlin',
    open: [{ days: [1, 2, 3, 4, 5], fromMinute: 540, toMinute: 1020 }],
    openSpans: [],
    closed: [],
    closedSpans: [],
    special: [],
    ...more,
  };
}

const hours = (date: string, from: number, to: number, days = 1) => ({
  date,
  times: [{ fromMinute: from * 60, toMinute: to * 60 }],
  days,
});
const closedOn = (date: string, days = 1) => ({ date, times: null, days });

describe('a special day', () => {
  it('opens a day that has no hours, and replaces the hours of one that has', () => {
    const saturday = office({ special: [hours('2026-12-05', 10, 16)] });
    expect(isOpen(saturday, at('2026-12-05T10:00:00Z'), {})).toEqual({
      open: true,
      why: 'office is open on Saturday 2026-12-05 11:00 (Europe/Berlin): 2026-12-05 is a special day',
    });
    expect(isOpenAt(saturday, at('2026-12-05T16:00:00Z'), {})).toBe(false);
    const friday = office({ special: [hours('2026-12-04', 10, 16)] });
    expect(isOpenAt(friday, at('2026-12-04T08:30:00Z'), {})).toBe(false);
    expect(isOpenAt(friday, at('2026-12-11T08:30:00Z'), {})).toBe(true);
  });

  it('wins over closed dates, calendars and weekly hours of the night before', () => {
    const day = { fromMs: at('2026-12-24T00:00:00Z'), toMs: at('2026-12-25T00:00:00Z') };
    const open = office({
      special: [hours('2026-12-24', 9, 12)],
      closed: [{ date: '12-24', fromMinute: 0, toMinute: 1440 }],
      closedSpans: [{ ...day, summary: 'Christmas Eve' }],
    });
    expect(isOpenAt(open, at('2026-12-24T10:00:00Z'), {})).toBe(true);
    const night = office({
      open: [{ days: [3], fromMinute: 1320, toMinute: 1800 }],
      special: [closedOn('2026-12-23')],
    });
    // Wednesday's night shift is off, including its part on Thursday.
    expect(isOpenAt(night, at('2026-12-24T02:00:00Z'), {})).toBe(false);
    expect(isOpenAt(night, at('2026-12-17T02:00:00Z'), {})).toBe(true);
  });

  it('may run past midnight, into a day that is special itself', () => {
    const night = office({ special: [hours('2026-12-31', 20, 27), closedOn('2027-01-01')] });
    expect(isOpenAt(night, at('2027-01-01T01:30:00Z'), {})).toBe(true);
    expect(isOpenAt(night, at('2027-01-01T02:00:00Z'), {})).toBe(false);
  });

  it('adds up with its equals; a year wins over every year, and fewer days over more', () => {
    const twice = office({ special: [hours('2026-12-05', 8, 10), hours('2026-12-05', 14, 16)] });
    const open = (schedule: Schedule, hour: string) =>
      isOpenAt(schedule, at(`2026-12-05T${hour}:00:00+01:00`), {});
    expect(['09', '12', '15'].map((hour) => open(twice, hour))).toEqual([true, false, true]);
    const dated = office({ special: [closedOn('12-05'), hours('2026-12-05', 8, 20, 30)] });
    expect(open(dated, '12')).toBe(true);
    const narrow = office({ special: [hours('2026-12-05', 8, 20, 30), closedOn('2026-12-05', 3)] });
    expect(open(narrow, '12')).toBe(false);
  });

  it('has 23 or 25 hours where clocks change', () => {
    const spring = office({ special: [hours('2026-03-29', 1, 4)] });
    expect(changes(spring, at('2026-03-28T12:00:00Z'), 2, {}).map(({ atMs }) => atMs)).toEqual([
      at('2026-03-29T00:00:00Z'),
      at('2026-03-29T02:00:00Z'),
    ]);
    const autumn = office({ special: [hours('2026-10-25', 1, 4)] });
    expect(changes(autumn, at('2026-10-24T12:00:00Z'), 2, {}).map(({ atMs }) => atMs)).toEqual([
      at('2026-10-24T23:00:00Z'),
      at('2026-10-25T03:00:00Z'),
    ]);
  });

  it('is all that decides on its date, whatever else the schedule says', () => {
    const minutes = fc.integer({ min: 0, max: 1439 });
    fc.assert(
      fc.property(minutes, minutes, minutes, fc.boolean(), (from, length, minute, closes) => {
        const special = [
          {
            date: '2026-12-08',
            times: [{ fromMinute: from, toMinute: from + length + 1 }],
            days: 1,
          },
        ];
        const closed = closes ? [{ date: '2026-12-08', fromMinute: 0, toMinute: 1440 }] : [];
        const moment = at('2026-12-08T00:00:00+01:00') + minute * 60_000;
        const inside = minute >= from && minute < from + length + 1;
        expect(isOpenAt(office({ special, closed }), moment, {})).toBe(inside);
      }),
    );
  });
});

describe('a calendar of opening hours', () => {
  const rota = office({
    open: [],
    openSpans: [
      { fromMs: at('2026-12-05T08:00:00Z'), toMs: at('2026-12-05T12:00:00Z'), summary: 'Anna' },
    ],
    closed: [{ date: '2026-12-05', fromMinute: 660, toMinute: 720 }],
  });

  it('opens during its events, and says which', () => {
    expect(isOpen(rota, at('2026-12-05T08:00:00Z'), {}).why).toContain('Anna is in its calendar');
    expect(changes(rota, at('2026-12-01T00:00:00Z'), 9, {}).map(({ atMs }) => atMs)).toEqual(
      ['08', '10', '11', '12'].map((hour) => at(`2026-12-05T${hour}:00:00Z`)),
    );
  });
});

describe('why it is closed', () => {
  const christmas = { date: '2026-12-25', fromMinute: 0, toMinute: 1440, because: 'holiday' };

  it('is known all day, and not while it is open or forced', () => {
    const one = office({ closed: [christmas] });
    const noon = at('2026-12-25T12:00:00Z');
    expect(closedBecause(one, noon, {})).toEqual(['holiday']);
    expect(closedBecause(one, at('2026-12-25T21:00:00Z'), {})).toEqual(['holiday']);
    expect(closedBecause(one, at('2026-12-26T12:00:00Z'), {})).toEqual([]);
    for (const open of [true, false]) {
      const schedules = { office: { open, untilMs: null } };
      expect(closedBecause(one, noon, { schedules })).toEqual([]);
    }
    expect(isOpen(one, noon, {}).why).toContain('2026-12-25 is among its closed times (holiday)');
  });

  it('may be several things at once; a special day has its own', () => {
    const span = { fromMs: at('2026-12-25T11:00:00Z'), toMs: at('2026-12-25T14:00:00Z') };
    const closedSpans = [
      { ...span, summary: 'Training', because: 'training' },
      { ...span, toMs: span.toMs + 1, summary: 'Other' },
    ];
    const both = office({ closed: [christmas], closedSpans });
    expect(closedBecause(both, at('2026-12-25T12:00:00Z'), {})).toEqual(['holiday', 'training']);
    const special = [{ ...hours('2026-12-25', 9, 10), because: 'inventory' }];
    const day = office({ closed: [christmas], special });
    expect(closedBecause(day, at('2026-12-25T12:00:00Z'), {})).toEqual(['inventory']);
    expect(closedBecause(day, at('2026-12-25T08:30:00Z'), {})).toEqual([]);
  });
});
