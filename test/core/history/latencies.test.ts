/** Quantiles from buckets: at most 5 % off, and exact under addition and subtraction. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addLatencies,
  bucketOf,
  type Latencies,
  quantile,
} from '../../../src/core/history/latencies.ts';

function measured(times: number[]): Latencies {
  const sum: Latencies = {};
  for (const ms of times) addLatencies(sum, { [bucketOf(ms)]: 1 });
  return sum;
}

test('a quantile is at most 5 % (and half a millisecond of rounding) off', () => {
  const times = fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.95), (all, share) => {
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(all.length * share) - 1] ?? 0;
      const found = quantile(measured(all), share) ?? Number.NaN;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.05 + 0.5);
    }),
  );
});

test('what is taken away leaves what was there before', () => {
  const sum = measured([10, 900]);
  addLatencies(sum, measured([900, 31_000]));
  addLatencies(sum, measured([900, 31_000]), -1);
  expect(sum).toEqual(measured([10, 900]));
  addLatencies(sum, measured([10, 900]), -1);
  expect(sum).toEqual({});
  expect(quantile(sum, 0.5)).toBe(null);
});
