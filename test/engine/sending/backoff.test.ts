import { expect, test } from 'vitest';
import { RETRY_MS_MAX, retryDelayMs } from '../../../src/engine/sending/backoff.ts';

test('the first retry comes after half a second, and chance only makes it later', () => {
  expect(retryDelayMs(1, 0)).toBe(500);
  expect(retryDelayMs(1, 1)).toBe(625);
});

test('delays grow with every try up to a limit', () => {
  const delays = Array.from({ length: 12 }, (_, index) => retryDelayMs(index + 1, 0));
  expect(delays.slice(0, 5)).toEqual([500, 1000, 2000, 4000, 8000]);
  expect(Math.max(...delays)).toBe(RETRY_MS_MAX);
});

test('odd arguments never give an odd delay', () => {
  for (const tries of [-3, 0, 1, 1e9]) {
    for (const chance of [-1, 0, 0.5, 1, 7]) {
      const delay = retryDelayMs(tries, chance);
      expect(delay).toBeGreaterThanOrEqual(500);
      expect(delay).toBeLessThanOrEqual(RETRY_MS_MAX * 1.25);
    }
  }
});
