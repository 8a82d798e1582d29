/** A long series is expanded in parts, which must be what the whole is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../../../src/core/rules/at-once.ts';
import { expandRule, readRule } from '../../../src/routing/ical/recurrence.ts';

const START = Date.UTC(2024, 0, 31, 9, 30);
const FROM = Date.UTC(2025, 2, 1);
const DAY_MS = 86_400_000;

/** With the weekday of the start, so that a day without an instance is no mistake in the rule. */
const weekdays = fc.subarray(['MO', 'TU', 'TH', 'FR', 'SA', 'SU']);
const byDay = weekdays.map((days) => `;BYDAY=${['WE', ...days]}`);
const some = (parts: fc.Arbitrary<string>) => fc.option(parts, { nil: '' });
const rules = fc.tuple(fc.integer({ min: 1, max: 3 }), byDay, some(fc.constant(';WKST=SU')));
const frequencies = fc.constantFrom('HOURLY', 'DAILY', 'WEEKLY');

test('a long series is the same as the series of each of its days', { tags: ['long'] }, () => {
  let long = 0;
  fc.assert(
    fc.property(frequencies, rules, (frequency, [interval, ...parts]) => {
      const written = readRule(`FREQ=${frequency};INTERVAL=${interval}${parts.join('')}`);
      if (written === null) throw new Error('no rule');
      const rule = { ...written, untilMs: null };
      const expand = (fromMs: number, toMs: number) =>
        atOnce(expandRule(rule, START, { fromMs, toMs }));
      const days = frequency === 'HOURLY' ? 40 : 600;
      const whole = expand(FROM, FROM + days * DAY_MS - 1);
      if (whole.length > 200) long += 1;
      const daily = Array.from({ length: days }, (_, day) => {
        const fromMs = FROM + day * DAY_MS;
        return expand(fromMs, fromMs + DAY_MS - 1);
      });
      expect(whole).toEqual(daily.flat());
    }),
    { numRuns: 30 },
  );
  // Shorter ones are expanded in one go.
  expect(long).toBeGreaterThan(5);
});
