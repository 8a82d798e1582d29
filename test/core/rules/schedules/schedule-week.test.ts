import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Overrides } from '../../../../src/core/rules/override.ts';
import type { Schedule } from '../../../../src/core/rules/rule.ts';
import { isOpenAt } from '../../../../src/core/rules/schedules/schedule.ts';
import { scheduleDays } from '../../../../src/core/rules/schedules/schedule-week.ts';

const HOUR_MS = 3_600_000;
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
/** A Tuesday, 10:30 in Berlin. */
const NOW = Date.parse('2026-12-22T09:30:00Z');

function schedule(part: Partial<Schedule> = {}): Schedule {
  return {
    name: 'office',
    zone: 'Europe/Berlin',
    open: [{ days: [1, 2, 3, 4, 5], fromMinute: 9 * 60, toMinute: 17 * 60 }],
    closed: [],
    closedSpans: [],
    openSpans: [],
    special: [],
    ...part,
  };
}

function words(one: Schedule, now: number, overrides: Overrides = {}): string[] {
  const days = scheduleDays(one, now, 7, overrides) ?? [];
  return days.map(({ date, fromMs, spans }) => {
    const hour = (ms: number) => (ms - fromMs) / HOUR_MS;
    const shown = spans.filter(({ open, forced }) => open || forced);
    const texts = shown.map((span) => {
      const kind = span.forced ? `${span.open ? 'open' : 'closed'} by hand ` : '';
      return `${kind}${hour(span.fromMs)}-${hour(span.toMs)}`;
    });
    const because = spans.flatMap((span) => span.because);
    return [date, ...texts, ...because.map((text) => `(${text})`)].join(' ');
  });
}

describe('the days of a schedule', () => {
  test('have its hours, holidays, special days and calendars, today first', () => {
    const one = schedule({
      closed: [{ date: '12-25', fromMinute: 0, toMinute: 1440, because: 'holiday' }],
      special: [{ date: '2026-12-24', days: 1, times: [{ fromMinute: 540, toMinute: 720 }] }],
      closedSpans: [
        {
          fromMs: Date.parse('2026-12-23T11:00:00Z'),
          toMs: Date.parse('2026-12-23T12:00:00Z'),
          summary: 'all hands',
          because: 'meeting',
        },
      ],
    });
    expect(words(one, NOW)).toEqual([
      '2026-12-22 9-17',
      '2026-12-23 9-12 13-17 (meeting)',
      '2026-12-24 9-12',
      '2026-12-25 (holiday)',
      '2026-12-26',
      '2026-12-27',
      '2026-12-28 9-17',
    ]);
  });

  test('show an override for as long as it lasts, and no longer than it has', () => {
    const forced = { open: false, sinceMs: NOW - HOUR_MS / 2, untilMs: NOW + 4.5 * HOUR_MS };
    expect(words(schedule(), NOW, { schedules: { office: forced } }).slice(0, 2)).toEqual([
      '2026-12-22 9-10 closed by hand 10-15 15-17',
      '2026-12-23 9-17',
    ]);
    const endless = { open: true, untilMs: null };
    expect(words(schedule(), NOW, { schedules: { office: endless } })[1]).toBe(
      '2026-12-23 open by hand 0-24',
    );
  });

  test('have 23 and 25 hours where clocks change', () => {
    const one = schedule({ open: [{ days: EVERY_DAY, fromMinute: 0, toMinute: 1440 }] });
    expect(words(one, Date.parse('2026-10-24T10:00:00Z')).slice(0, 2)).toEqual([
      '2026-10-24 0-24',
      '2026-10-25 0-25',
    ]);
    expect(words(one, Date.parse('2026-03-28T10:00:00Z'))[1]).toBe('2026-03-29 0-23');
  });

  test('are not cut where a calendar has too many changes to be shown', () => {
    const openSpans = Array.from({ length: 2_000 }, (_, n) => ({
      fromMs: NOW + n * 120_000,
      toMs: NOW + n * 120_000 + 60_000,
      summary: '',
    }));
    expect(scheduleDays(schedule({ open: [], openSpans }), NOW, 7, {})).toBeNull();
  });

  test('agree at every moment with what a call meets', () => {
    const minutes = fc.integer({ min: 0, max: 2 * 1440 });
    const hours = fc.record({
      days: fc.subarray(EVERY_DAY, { minLength: 1 }),
      fromMinute: fc.integer({ min: 0, max: 1439 }),
      toMinute: fc.integer({ min: 1440, max: 2000 }),
    });
    fc.assert(
      fc.property(
        fc.array(hours, { maxLength: 3 }),
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'Africa/Cairo', 'Asia/Kolkata'),
        fc.constantFrom('2026-03-27T05:10:00Z', '2026-04-23T20:00:00Z', '2026-10-30T23:59:00Z'),
        fc.option(fc.record({ open: fc.boolean(), lasts: fc.option(minutes) })),
        fc.array(fc.integer({ min: 0, max: 7 * 1440 }), { minLength: 20, maxLength: 20 }),
        (open, zone, when, given, asked) => {
          const now = Date.parse(when);
          const one = schedule({ open, zone });
          const untilMs = given?.lasts == null ? null : now + given.lasts * 60_000;
          const forced = given === null ? {} : { office: { open: given.open, untilMs } };
          const overrides = { schedules: forced };
          const days = scheduleDays(one, now, 7, overrides) ?? [];
          const spans = days.flatMap((day) => day.spans);
          for (const [n, span] of spans.entries()) {
            expect(span.fromMs).toBe(n === 0 ? days[0]?.fromMs : spans[n - 1]?.toMs);
          }
          for (const minute of asked) {
            const at = now + minute * 60_000;
            const span = spans.find(({ fromMs, toMs }) => at >= fromMs && at < toMs);
            if (span !== undefined) expect(span.open).toBe(isOpenAt(one, at, overrides));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
