/** Numbers of the account, as people write them in options. */
import { expect, test } from 'vitest';
import { numberOf } from '../../../src/cli/options/number.ts';

test.each([
  '+4930901820',
  '+49 (0)30 90-18.20',
  '0049 30/901820',
  'tel:+49-30-901820',
  '+49\u00a030\u202f901820',
  '\uff0b4930901820',
])('%j is understood', (text) => {
  expect(numberOf(text)).toBe('+4930901820');
});

test.each([
  ['030 901820', 'write + and the country code before it, without the national 0'],
  ['4930901820', 'write + and the country code before it'],
  ['sip:+4930901820@example.com', 'expected a number like +14155550100'],
  ['+49030901820 ext 5', 'expected a number like +14155550100'],
  ['+493090182012345678', 'expected a number like +14155550100'],
  ['', 'got ""'],
])('%j is refused: %s', (text, words) => {
  expect(() => numberOf(text)).toThrow(words);
});
