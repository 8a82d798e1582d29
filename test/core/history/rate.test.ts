import { expect, test } from 'vitest';
import { rateOf } from '../../../src/core/history/rate.ts';

test.each([
  [0, 0, null],
  [0, 5, 0],
  [5, 5, 1],
  [1, 3, 0.333],
  [9_999, 10_000, 0.999],
  [1, 10_000, 0.001],
  [3, 2, 1.5],
])('%i of %i is %s: all or none only if it is exact', (part, whole, rate) => {
  expect(rateOf(part, whole)).toBe(rate);
});
