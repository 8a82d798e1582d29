import { describe, expect, test } from 'vitest';
import { labelOf } from '../../../src/core/rules/label.ts';
import { askedNumber, searchedText } from '../../../src/routing/numbers/national.ts';
import { load, problemsOf } from '../routes-folder.ts';

test.each([
  ['030 901820', 'DE', '+4930901820'],
  ['(030) 90 18-20', 'DE', '+4930901820'],
  ['415 555 2671', 'US', '+14155552671'],
  ['020 7946 0958', 'GB', '+442079460958'],
  ['00 49 30 901820', 'DE', '+4930901820'],
  ['+49 30 901820', 'DE', '+4930901820'],
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
  ['  +49 30 901820\t', undefined, '+4930901820'],
  ['+49 (0)30/90.18-20', undefined, '+4930901820'],
  ['+49\u00a0(0)30\u202f901820', undefined, '+4930901820'],
  ['+49 30 90\u201318\u201120', undefined, '+4930901820'],
  ['\u202a+4930901820\u202c', undefined, '+4930901820'],
  [
    '\uff0b\uff14\uff19 \uff13\uff10 \uff19\uff10\uff11\uff18\uff12\uff10',
    undefined,
    '+4930901820',
  ],
  ['\uff10\uff13\uff10 901820', 'DE', '+4930901820'],
  ['0049 30 901820', undefined, '+4930901820'],
  ['004930901820', undefined, '+4930901820'],
  ['(0049) 30 901820', undefined, '+4930901820'],
  ['TEL:+49-30-901820;ext=5', undefined, '+4930901820'],
  ['+1 (415) 555-0100', undefined, '+14155550100'],
  ['+39 (0)6 698 12345', undefined, '+390669812345'],
  ['+49 (0)30 1', undefined, '+49 (0)30 1'],
  // No numbering plan has this one, but a 0 in brackets is never dialled from abroad.
  ['+44 (0)20 1234567', undefined, '+44201234567'],
  ['0049', undefined, '0049'],
  ['+', undefined, '+'],
  ['', 'DE', ''],
])('%s, a form with country code in %s, is %s', (text, country, meant) => {
  expect(askedNumber(text, country)).toBe(meant);
});

test.each([
  ['+49\u00a0(0)30\u201390', '+49 (0)30-90'],
  ['tel:\uff0b49 30', 'tel:+49 30'],
  ['\uff13\uff10/90', '30/90'],
  // The name of a rule: calls have it as it is written.
  ['B\u00fcro \u2013 Nord', 'B\u00fcro \u2013 Nord'],
  ['\uff21\u793e', '\uff21\u793e'],
])('the search for %j is one for %j', (text, searched) => {
  expect(searchedText(text)).toBe(searched);
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
    [
      'the call of an example',
      'examples: [{ name: e, call: { to: "030 901820" }, expect: { rule: otherwise } }]',
    ],
    [
      'the caller of an example, with a trunk prefix',
      'examples: [{ name: e, call: { to: "+14155550100", from: "+49 (0)30 901820" }, expect: { rule: otherwise } }]',
    ],
  ])('in %s, with the number that is meant', async (_where, text) => {
    const [problem, ...others] = problemsOf(await load(`${policy}\n${text}\notherwise: [hangup]`));
    expect(problem).toContain('write "+4930901820"');
    expect(others).toEqual([]);
  });

  test('but a caller of an example may send anything else', async () => {
    const calls = ['anonymous', '1234', 'sip:ada@example.com'].map(
      (from) =>
        `{ name: "${from}", call: { to: "+4930901820", from: "${from}" }, expect: { rule: otherwise } }`,
    );
    const set = `${policy}\nexamples: [${calls.join(', ')}]\notherwise: [hangup]`;
    expect(problemsOf(await load(set))).toEqual([]);
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
