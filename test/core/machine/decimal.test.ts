import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDecimals, readDecimal } from '../../../src/core/machine/decimal.ts';

describe('an amount', () => {
  it.each([
    ['0.0020', '0.0020'],
    [' 1.5 ', '1.5'],
    ['.5', '0.5'],
    ['007', '7'],
    ['-0.10', '-0.10'],
    ['-0.00', '0.00'],
    [0.1042, '0.1042'],
    [2, '2'],
    [-1.5, '-1.5'],
    [1e-7, '0.0000001'],
    [1.25e-7, '0.000000125'],
    [0, '0'],
    [0.1 + 0.2, '0.30000000000000004'],
    ['0.000000000000000001', '0.000000000000000001'],
  ])('%j is read as %s', (given, read) => {
    expect(readDecimal(given)).toBe(read);
  });

  it.each([
    '',
    '-',
    '.',
    '1.',
    '1,5',
    '1e3',
    '0x10',
    'free',
    '$1',
    '1234567890123456',
    `0.${'1'.repeat(31)}`,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e21,
    null,
    undefined,
    true,
    [],
    {},
  ])('%j is none', (given) => {
    expect(readDecimal(given)).toBeNull();
  });
});

describe('a sum', () => {
  it.each([
    ['0.1', '0.2', '0.3'],
    ['0.1000', '0.0042', '0.1042'],
    ['0', '0.0020', '0.0020'],
    ['1.5', '-2', '-0.5'],
    ['-0.01', '0.01', '0.00'],
    ['99.99', '0.01', '100.00'],
  ])('%s and %s are %s', (a, b, sum) => {
    expect(addDecimals(a, b)).toBe(sum);
    expect(addDecimals(b, a)).toBe(sum);
  });

  it('is exact, however many are added in whatever order', () => {
    const units = fc.array(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }));
    const text = (millionths: number) => (millionths / 1_000_000).toFixed(6);
    fc.assert(
      fc.property(units, (all) => {
        const sum = all.map(text).reduce(addDecimals, '0.000000');
        expect(sum).toBe(text(all.reduce((a, b) => a + b, 0)).replace(/^-(0\.0*)$/, '$1'));
      }),
    );
  });
});
