import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { midnight, midnightOfStats } from '../../../src/page/words/midnight.js';

const zone = process.env.TZ;

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));

afterEach(() => {
  vi.useRealTimers();
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

function at(place: string, moment: string): void {
  process.env.TZ = place;
  vi.setSystemTime(moment);
}

test('where today has no midnight, the days before have one', () => {
  // Clocks went from 00:00 to 01:00.
  at('Asia/Beirut', '2026-03-29T12:00:00Z');
  expect([0, 1, 6].map((days) => midnight(days))).toEqual([
    '2026-03-28T22:00:00.000Z',
    '2026-03-27T22:00:00.000Z',
    '2026-03-22T22:00:00.000Z',
  ]);
});

test('a day that has no midnight begins right after the gap, days later too', () => {
  at('America/Santiago', '2026-09-08T12:00:00Z');
  expect(midnight(2)).toBe('2026-09-06T04:00:00.000Z');
  expect(midnight(3)).toBe('2026-09-05T04:00:00.000Z');
});

test('statistics of the day that has an hour twice reach back 24 hours', () => {
  at('Australia/Lord_Howe', '2026-04-05T13:15:00Z');
  expect(midnight()).toBe('2026-04-04T13:00:00.000Z');
  expect(midnightOfStats()).toBe('2026-04-04T13:15:00.000Z');
});
