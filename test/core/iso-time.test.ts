import { expect, test } from 'vitest';
import { notAMoment, readMoment } from '../../src/core/iso-time.ts';

test.each([
  ['2026-03-02T15:00:00Z', '2026-03-02T15:00:00.000Z'],
  ['2026-03-02T15:00+02:00', '2026-03-02T13:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
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
  '9999-12-31T23:59:59-05:00',
  '0000-01-01T00:00:00+05:00',
  '1',
  'March 7',
  '',
])('%j is none', (text) => {
  expect(readMoment(text)).toBeNull();
});

test.each([
  ['2026-03-02T15:00:00', 'its zone is missing: write 2026-03-02T15:00:00Z for UTC'],
  ['2026-03-02 15:00', 'its zone is missing: write 2026-03-02T15:00Z for UTC'],
  ['2026-03-02', 'its zone is missing: write 2026-03-02T00:00:00Z for UTC'],
  ['2026-03-02T15:00:00 01:00', 'write 2026-03-02T15:00:00+01:00; in the address'],
  ['2026-03-02T15:00:00+0100', 'write 2026-03-02T15:00:00+01:00'],
  ['2026-03-02 15:00Z', 'write 2026-03-02T15:00Z'],
  ['2026-03-02T15:00:00 EST', 'write 2026-03-02T15:00:00Z for UTC, or 2026-03-02T15:00:00-05:00'],
  ['2026-02-30T15:00:00Z', 'that day or time does not exist'],
  ['2026-03-02T25:00:00', 'that day or time does not exist'],
  ['9999-12-31T23:59:59-14:00', 'in UTC its year is not one of 0000 to 9999'],
  ['0000-01-01T00:00:00+14:00', 'in UTC its year is not one of 0000 to 9999'],
  ['yesterday', 'write date, time and zone: 2026-03-02T15:00:00Z'],
])('of %j the right form is said', (text, hint) => {
  const told = notAMoment(text);
  expect(told.problem).toBe(
    `${JSON.stringify(text)} is not an ISO 8601 time such as 2026-03-02T15:00:00Z`,
  );
  expect(told.hint).toContain(hint);
  for (const [suggested = ''] of told.hint.matchAll(/\d{4}-\S+(?:Z|[+-]\d\d:\d\d)/g)) {
    expect(readMoment(suggested)).not.toBeNull();
  }
});
