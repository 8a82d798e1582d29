import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuTimeMs } from '../helpers/cpu-time.ts';
import { runs, size } from '../helpers/search-length.ts';
import { load, problemsOf } from './routes-folder.ts';

const GOOD = await readFile(new URL('../../routes/main.yaml', import.meta.url), 'utf8');
const FILES = {
  'lists/blocked.txt': '+1900*\n',
  'handlers/account-manager.ts': 'export default () => undefined;',
};

/** Far above what any of these takes. */
const SLOW_MS = size(8_000, 15_000);
/** Four times as many pieces take four times as long, which is all that more of them show. */
const MANY = size(25_000, 100_000);
const RUNS = runs(120);
const PROPERTY_TIMEOUT_MS = 120_000 + RUNS * 120;

async function loaded(text: string | Uint8Array): Promise<Awaited<ReturnType<typeof load>>> {
  const startedAt = cpuTimeMs();
  const result = await load({ 'main.yaml': text, ...FILES });
  expect(cpuTimeMs() - startedAt).toBeLessThan(SLOW_MS);
  if (!result.ok) {
    expect(result.problems.length).toBeGreaterThan(0);
    for (const problem of result.problems) {
      expect(problem.line).toBeGreaterThanOrEqual(1);
      expect(problem.column).toBeGreaterThanOrEqual(1);
      expect(problem.message).not.toBe('');
    }
  }
  return result;
}

const WORDS = [
  'targets',
  'rules',
  'otherwise',
  'when',
  'do',
  'refer',
  'say',
  'menu',
  'digits',
  'if_failed',
  'any',
  'not',
  'examples',
  'schedules',
  'open',
  'zone',
  '<<',
  '__proto__',
  'constructor',
  'null',
  '~',
  'true',
  '0x10',
  '.inf',
  '1e999',
  '99999999999999999999',
  '+14155550100',
  '"+14155550100"',
  '*a',
  '&a',
  '!!str',
  '!x',
  '%',
  '---',
  '...',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ': ',
  '- ',
  '? ',
  '|',
  '>',
  '#',
  ' #',
  '\n',
  '\n  ',
  '\n    ',
  '\t',
  '\r\n',
  '"',
  "'",
  '\ufeff',
  '\u2028',
  '\u0000',
  'hangup',
  'list:x',
  `\${X}`,
  '{from}',
];

describe('whatever stands in a route file', { timeout: PROPERTY_TIMEOUT_MS }, () => {
  test('words of the language and of YAML in any order are answered, never thrown or hung on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...WORDS), { maxLength: 60 }), async (words) => {
        await loaded(words.join(''));
      }),
      { numRuns: RUNS },
    );
  });

  test('any bytes are answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect((await loaded(bytes)).ok).toBe(false);
      }),
      { numRuns: Math.ceil(RUNS / 2) },
    );
  });

  test('a good file with a piece cut out, doubled or replaced is answered', async () => {
    const piece = fc.tuple(
      fc.nat(GOOD.length),
      fc.nat(40),
      fc.constantFrom('', '\n', 'x', '  ', ...WORDS),
    );
    await fc.assert(
      fc.asyncProperty(piece, fc.boolean(), async ([at, length, put], double) => {
        const cut = GOOD.slice(at, at + length);
        await loaded(GOOD.slice(0, at) + put + (double ? cut + cut : '') + GOOD.slice(at + length));
      }),
      { numRuns: RUNS },
    );
  });

  test('a key nobody knows is a problem wherever it stands', async () => {
    const lines = GOOD.split('\n');
    const blockKeys = lines.flatMap((line, index) =>
      /^ *[a-z_]+:( |$)/.test(line) ? [index] : [],
    );
    for (const index of blockKeys) {
      const indent = /^ */.exec(lines[index] ?? '')?.[0] ?? '';
      const text = [
        ...lines.slice(0, index),
        `${indent}zzz_unknown: 1`,
        ...lines.slice(index),
      ].join('\n');
      const result = await loaded(text);
      expect(result.ok, `accepted before line ${index + 1}`).toBe(false);
    }
  });

  test.each([
    ['a tower of brackets', '['.repeat(2 * MANY)],
    ['a tower of braces', `a: ${'{a: '.repeat(50_000)}`],
    ['a tower of dashes', '- '.repeat(50_000)],
    ['a tower of question marks', '? '.repeat(50_000)],
    [
      'an alias bomb',
      `a: &a [x,x]\n${Array.from({ length: 60 }, (_, i) => `b${i}: &b${i} [*a,*a,*a]`).join('\n')}`,
    ],
    ['many keys in one map', Array.from({ length: MANY }, (_, i) => `k${i}: 1`).join('\n')],
    ['many quotes', '"'.repeat(2 * MANY)],
    ['many commas', `[${','.repeat(MANY)}`],
    ['many documents', '---\n'.repeat(MANY / 2)],
    ['many anchors', ' &a'.repeat(MANY)],
    ['a long line of spaces', ' '.repeat(1_000_000)],
    ['a huge number', `otherwise: [ { transfer: "+1415", timeout: ${'9'.repeat(100_000)} } ]`],
    [
      'a long glob',
      `rules: [ { name: a, when: { from: "${'*a'.repeat(100_000)}" }, do: [ hangup ] } ]`,
    ],
  ])('%s ends in problems', async (_what, text) => {
    const result = await loaded(text);
    expect(problemsOf(result).length).toBeGreaterThan(0);
  });
});
