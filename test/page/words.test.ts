import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ENDS, PHASES } from '../../src/core/machine/call.ts';
import { VERDICTS } from '../../src/core/machine/verdict.ts';

const WORDS = readFileSync(new URL('../../src/page/words.js', import.meta.url), 'utf8');

// The browser's modules import by URL, so neither side can import the other's list.
test.each([
  ['PHASES', PHASES],
  ['VERDICTS', VERDICTS],
  ['ENDS', ENDS],
])('the page offers exactly the %s there are', (name, words) => {
  const [, list] = new RegExp(`^export const ${name} = \\[([^\\]]*)\\];$`, 'm').exec(WORDS) ?? [];
  expect(list?.match(/\w+/g)).toEqual([...words]);
});
