import { expect, test } from 'vitest';
import { readMoment, readMomentUtc } from '../../src/core/iso-time.ts';

test.each([
  ['2026-03-02T15:00:00Z', '2026-03-02T15:00:00.000Z'],
  ['2026-03-02T15:00+02:00', '2026-03-02T13:00:00.000Z'],
  ['2028-02-29T23:59:59.5-05:00', '2028-03-01T04:59:59.500Z'],
])('%s is a moment', (text, iso) => {
  expect(readMoment(text)).toBe(Date.parse(iso));
});

test.each([
  '2026-02-30T15:00:00Z',
  '2027-02-29T15:00:00Z',
  '2026-03-02T25:00:00Z',
  '2026-03-02T15:00:00',
  '2026-03-02',
  '1',
  'March 7',
  '',
])('%j is none', (text) => {
  expect(readMoment(text)).toBeNull();
});

test('what a command line leaves out is UTC', () => {
  expect(readMomentUtc('2026-03-02')).toBe(Date.parse('2026-03-02T00:00:00Z'));
  expect(readMomentUtc('2026-03-02T15:00')).toBe(Date.parse('2026-03-02T15:00:00Z'));
  expect(readMomentUtc('2026-03-02T15:00+01:00')).toBe(Date.parse('2026-03-02T14:00:00Z'));
  expect([readMomentUtc('1'), readMomentUtc('2026-02-30'), readMomentUtc('now')]).toEqual([
    null,
    null,
    null,
  ]);
});
