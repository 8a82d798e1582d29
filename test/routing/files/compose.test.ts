/** A long document is composed in pieces, with the same result as in one go. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CST, isCollection, isPair, isScalar, Parser } from 'yaml';
import { atOnce } from '../../../src/core/rules/at-once.ts';
import { compose } from '../../../src/routing/files/compose.ts';

const ROUTES = join(import.meta.dirname, '../../../routes');
const TEXTS = [
  ...readdirSync(ROUTES)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(join(ROUTES, name), 'utf8')),
  [
    '# first',
    'lists:',
    '  a: ["+1", "+2" , # two',
    '    "+3",',
    '  ]',
    '  b:',
    '    - "+4" # four',
    '    # between',
    '    - >-',
    '      folded',
    '      text',
    '    -',
    '  c: [{x: 1, y: [2, 3]}, {z: }, [], {}]',
    'rules:',
    '  - name: one',
    '    when: { to: ["+1", "+2"], not: { from: [a, b, c, d] } }',
    '    do:',
    '      - refer: a',
    '        if_failed: { busy: [ hangup, hangup ] }',
    '      - hangup',
    '  # the last',
    'otherwise: [ hangup ]',
    '',
  ].join('\n'),
];

test.each(TEXTS)('text %# is composed alike in pieces of any length', (text) => {
  for (const length of [1, 7, 40, 200, 1_000]) {
    expect(composed(text, length)).toEqual(composed(text, Number.POSITIVE_INFINITY));
  }
});

test.each(['a: [1,,2]\n', 'a: {x: 1,,y: 2}\n', 'a: {x:,, y: 1}\nb: 2\n'])(
  'a second comma is found in pieces too: %j',
  (text) => {
    const { errors } = composed(text, Number.POSITIVE_INFINITY);
    expect(errors).toHaveLength(1);
    expect(composed(text, 1).errors).toEqual(errors);
  },
);

test.each(['a: [: { b: 1 }]\n', 'a: [{ b: 1 }: { c: 2 }, d]\n'])(
  'a pair in a list is composed in one go: %j',
  (text) => {
    expect(composed(text, 1)).toEqual(composed(text, Number.POSITIVE_INFINITY));
  },
);

test('a document with something cut out, doubled or put in is good or bad alike', {
  tags: ['long'],
}, () => {
  const text = fc.constantFrom(...TEXTS);
  const at = fc.nat({ max: 2_000 });
  const put = fc.constantFrom('', ',', '[', ']', '{', '}', ': ', '- ', '\n', ' ', '"', '# ', '?');
  fc.assert(
    fc.property(
      text,
      at,
      fc.nat({ max: 9 }),
      put,
      fc.nat({ max: 60 }),
      (good, where, cut, add, n) => {
        const start = where % good.length;
        const broken = good.slice(0, start) + add + good.slice(start + cut);
        const whole = composed(broken, Number.POSITIVE_INFINITY);
        const pieces = composed(broken, n + 1);
        expect(pieces.errors.length > 0).toBe(whole.errors.length > 0);
        // Which error comes first depends on the pieces, but the result of a valid text does not.
        if (whole.errors.length === 0) expect(pieces).toEqual(whole);
      },
    ),
    // One sequence of texts, so that a run fails only after a change.
    { numRuns: 100, seed: 1 },
  );
});

test('a list of 100,000 numbers is never composed in one go', { tags: ['long'] }, () => {
  const numbers = Array.from({ length: 100_000 }, (_, i) => `"+1415${1_000_000 + i}"`);
  const text = `lists: { l: [${numbers.join(', ')}] }\notherwise: [ hangup ]\n`;
  const work = compose([...new Parser().parse(text)], text.length);
  let turns = 0;
  while (work.next().done !== true) turns += 1;
  expect(turns).toBeGreaterThan(100);
});

function composed(text: string, pieceChars: number) {
  const tokens: CST.Token[] = [...new Parser().parse(text)];
  const found = atOnce(compose(tokens, text.length, pieceChars));
  return {
    root: plain(found?.root),
    errors: (found?.errors ?? []).map(({ pos, code }) => ({ at: pos[0], code })),
  };
}

/** What the loader reads from a node: its kind, its value, and its position. */
function plain(node: unknown): unknown {
  if (isPair(node)) return { key: plain(node.key), value: plain(node.value) };
  // An empty value has no position.
  if (isScalar(node)) return [node.value, node.value === null ? null : node.range?.slice(0, 2)];
  if (isCollection(node)) {
    return {
      kind: node.constructor.name,
      range: node.range?.slice(0, 2),
      items: node.items.map(plain),
    };
  }
  return node;
}
