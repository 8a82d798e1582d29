/** What `npm run prove:machine` says of its command line. */
import { expect, test } from 'vitest';
import { parseOptions, USAGE } from './options.ts';

test('--help is an option, and the usage has every option', () => {
  expect(parseOptions(['--help']).help).toBe(true);
  expect(parseOptions(['-h']).help).toBe(true);
  for (const option of Object.keys(parseOptions(['--help']))) {
    if (option !== 'help') expect(USAGE).toContain(`--${option} `);
  }
});

test.each([
  [['--plan', 'nonsense'], '--plan "nonsense" is none of: '],
  [['--world', 'nonsense'], '--world "nonsense" is none of: '],
  [['--what'], "Unknown option '--what'"],
])('%j is refused', (argv, words) => {
  expect(() => parseOptions(argv)).toThrow(words);
});
