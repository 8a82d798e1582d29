/** Which files `npm run test:fast` selects, and what these must not do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importedInTest, testFiles } from './helpers/kinds.ts';

const ROOT = join(import.meta.dirname, '..');
const { fast, starting } = testFiles();

test('who starts nothing is fast, and who starts something through a helper is not', () => {
  expect(fast).toEqual(
    expect.arrayContaining(['test/core/machine/ends.test.ts', 'test/kinds.test.ts']),
  );
  expect(starting).toEqual(
    expect.arrayContaining([
      'test/e2e/kill.test.ts',
      'test/page/page.test.ts',
      'test/store/postgres/store.test.ts',
    ]),
  );
  expect(fast.length).toBeGreaterThan(starting.length);
});

test('what fast files share registers no hooks: they would hold for the first of them only', () => {
  const helpers = new Set<string>();
  const follow = (file: string): void => {
    for (const imported of importedInTest(file)) {
      if (helpers.has(imported)) continue;
      helpers.add(imported);
      follow(imported);
    }
  };
  for (const file of fast) follow(join(ROOT, file));
  expect(helpers.size).toBeGreaterThan(20);
  const hooking = [...helpers].filter((file) =>
    /^(?:before|after)(?:All|Each)\(|^vi\./m.test(readFileSync(file, 'utf8')),
  );
  expect(hooking).toEqual([]);
});

test('a fast file that stops the clock starts it again: the next file shares it', () => {
  const stopping = fast.filter((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return text.includes('vi.useFakeTimers(') && !text.includes('vi.useRealTimers(');
  });
  expect(stopping).toEqual([]);
});
