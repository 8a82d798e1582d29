/** What is near to a misspelt name, and how long it takes to find. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOf, didYouMean, nearest, Problems, problemsText } from '../../src/routing/problem.ts';
import { cpuTimeMs } from '../helpers/cpu-time.ts';
import { load, problemsOf } from './routes-folder.ts';

test('two names whose accents are stored differently are not shown as if they were the same', () => {
  const written = 'caf\u00e9';
  const known = 'cafe\u0301';
  expect(didYouMean(written, [known])).toBe(
    `did you mean ${known}? They look the same, but their accents are stored differently (Unicode NFC and NFD): copy that name`,
  );
});

/** Every edit is tried: letters removed, added, replaced, or swapped with their neighbour. */
function edits(a: string, b: string, known = new Map<string, number>()): number {
  if (a === '' || b === '') return a.length + b.length;
  const key = `${a} ${b}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const [restOfA, restOfB] = [a.slice(1), b.slice(1)];
  const ways = [
    edits(restOfA, b, known) + 1,
    edits(a, restOfB, known) + 1,
    edits(restOfA, restOfB, known) + (a[0] === b[0] ? 0 : 1),
    ...(a[0] === b[1] && a[1] === b[0] && a.length > 1
      ? [edits(a.slice(2), b.slice(2), known) + 1]
      : []),
  ];
  const fewest = Math.min(...ways);
  known.set(key, fewest);
  return fewest;
}

test('the nearest word is the first with the fewest edits, if it is near enough', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 9 });
  let near = 0;
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 6 }), (wanted, known) => {
      const most = Math.max(2, Math.floor(wanted.length / 3));
      const far = known
        .map((candidate) => ({ candidate, far: edits(wanted, candidate) }))
        .filter((one) => one.far <= most && one.far < Math.max(wanted.length, one.candidate.length))
        .sort((a, b) => a.far - b.far);
      if (far.length > 1) near += 1;
      expect(nearest(wanted, known)).toBe(far[0]?.candidate ?? null);
    }),
    { numRuns: 2_000 },
  );
  // If hardly any word had two near ones, the test would prove little.
  expect(near).toBeGreaterThan(100);
});

test('a hint is only looked for where it is shown', () => {
  const problems = new Problems();
  let looked = 0;
  for (let n = 0; n < 1_000; n += 1) {
    problems.problem({ file: 'f', line: n + 1, column: 1 }, 'm', () => {
      looked += 1;
      return 'h';
    });
  }
  expect(looked).toBe(200);
  const shown = problems.sorted().problems;
  expect(shown.at(-1)?.message).toBe('and 800 more problems');
  expect(problemsText(shown)).toBe('1,000 problems');
});

test('those that are not shown are counted', () => {
  const shownOf = (count: number) => {
    const problems = new Problems();
    for (let n = 0; n < count; n += 1) problems.warning({ file: 'f', line: 1, column: 1 }, 'm');
    return problems.sorted().warnings;
  };
  for (const count of [0, 1, 199, 200, 201, 202, 5_000]) {
    expect(countOf(shownOf(count))).toBe(count);
  }
  expect(countOf([...shownOf(5_000), ...shownOf(3)])).toBe(5_003);
  expect(problemsText(shownOf(1))).toBe('1 problem');
});

test('a thousand renamed targets are told in seconds', { tags: ['long'] }, async () => {
  const names = Array.from({ length: 1_500 }, (_, n) => `of-person-${10_000 + n}`);
  const targets = names.map((name) => `  desk-${name}: { sip: "sip:d@b.example" }`).join('\n');
  const rules = names
    .map((name, n) => `  - { name: r${n}, when: { percent: 1 }, do: [ { refer: disk-${name} } ] }`)
    .join('\n');
  const text = `targets:\n${targets}\nrules:\n${rules}\notherwise: [ hangup ]\n`;
  const startedAt = cpuTimeMs();
  const found = problemsOf(await load(text));
  const took = cpuTimeMs() - startedAt;
  expect(found[0]).toContain('(did you mean desk-of-person-10000?)');
  expect(found.at(-1)).toContain('and 1300 more problems');
  // Before, each of 1,500 names was compared with all others to its last letter: 14 s.
  expect(took).toBeLessThan(5_000);
});
