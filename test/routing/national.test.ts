import { describe, expect, test } from 'vitest';
import { labelOf } from '../../src/core/rules/label.ts';
import { askedNumber, filterNumber } from '../../src/routing/national.ts';
import { load, problemsOf } from './routes-folder.ts';

test.each([
  ['030 901820', 'DE', '+4930901820'],
  ['(030) 90 18-20', 'DE', '+4930901820'],
  ['415 555 2671', 'US', '+14155552671'],
  ['020 7946 0958', 'GB', '+442079460958'],
  ['00 49 30 901820', 'DE', '+4930901820'],
  ['+49 30 901820', 'DE', '+49 30 901820'],
  ['030 901820', undefined, '030 901820'],
  ['1234', 'DE', '1234'],
  ['sip:ada@example.com', 'DE', 'sip:ada@example.com'],
])('%s, asked in %s, is %s', (text, country, meant) => {
  expect(askedNumber(text, country)).toBe(meant);
});

test.each([
  ['030 901820', 'DE', '+4930901820'],
  ['+49 30 90 18-20', 'DE', '+4930901820'],
  ['+49 (0)30 901820', undefined, '+4930901820'],
  ['tel:+4930901820', undefined, '+4930901820'],
  ['+4930901820', undefined, '+4930901820'],
  // Telnyx may have sent this, so it is not corrected.
  ['+49030901820', 'DE', '+49030901820'],
  ['sip:+4930901820@example.com', 'DE', 'sip:+4930901820@example.com'],
  ['v3:a-+1 2', undefined, 'v3:a-+1 2'],
])('%s, a filter in %s, is %s', (text, country, meant) => {
  expect(filterNumber(text, country)).toBe(meant);
});

describe('in a route file a national form stays a problem', () => {
  const policy = 'policy: { country: DE }';

  test.each([
    ['a rule', 'rules: [{ name: a, when: { to: "030 901820" }, do: [hangup] }]'],
    ['digits alone', 'rules: [{ name: a, when: { from: "030901820" }, do: [hangup] }]'],
    [
      'a list',
      'lists: { l: ["030 901820"] }\nrules: [{ name: a, when: { to: "list:l" }, do: [hangup] }]',
    ],
    ['a transfer', 'rules: [{ name: a, do: [{ transfer: "030 901820" }] }]'],
    ['a label', 'numbers: { "030 901820": Berlin main }'],
  ])('in %s, with the number that is meant', async (_where, text) => {
    const [problem, ...others] = problemsOf(await load(`${policy}\n${text}\notherwise: [hangup]`));
    expect(problem).toContain('write "+4930901820"');
    expect(others).toEqual([]);
  });

  test('of a country that exists', async () => {
    const wrong = (country: string) => load(`policy: { country: ${country} }\notherwise: [hangup]`);
    expect(problemsOf(await wrong('de'))).toEqual(['1:20 unknown country "de" (write DE)']);
    expect(problemsOf(await wrong('XX'))[0]).toContain('an ISO code of two letters');
  });
});

test('numbers label the number that was called, however it is written', async () => {
  const loaded = await load('numbers: { "+49 30 901820": Berlin main }\notherwise: [hangup]');
  expect(problemsOf(loaded)).toEqual([]);
  if (!loaded.ok) return;
  expect(labelOf(loaded.set, '+4930901820')).toBe('Berlin main');
  expect(labelOf(loaded.set, 'sip:+4930901820@sip.telnyx.com')).toBe('Berlin main');
  expect(labelOf(loaded.set, '+4930901821')).toBeNull();
  expect(labelOf(loaded.set, null)).toBeNull();
});

test.each([
  ['twice', 'numbers: { "+4930901820": a, "+49 30 901820": b }', 'has a label already'],
  ['of a pattern', 'numbers: { "+49*": a }', 'is not a'],
])('a label %s is a problem', async (_what, text, message) => {
  expect(problemsOf(await load(`${text}\notherwise: [hangup]`))[0]).toContain(message);
});
