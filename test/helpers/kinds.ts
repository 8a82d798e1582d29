/**
 * The two kinds of test files, distinguished by what they import, directly or through other files
 * in test/. Those that can start a process, a thread, a browser, PostgreSQL or the whole server are
 * "starting"; all others are "fast". `npm run test:fast` runs the fast ones except
 * *.property.test.ts and tests with the tag `long`, which take seconds each.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const STARTS_SOMETHING =
  /from '(?:node:(?:child_process|cluster|worker_threads)|playwright-core)'|inject\('\w+Broker'\)|src\/compose\.ts'/;

/** Paths of test files, relative to the root of the checkout. */
export function testFiles(): { fast: string[]; starting: string[] } {
  const known = new Map<string, boolean>();
  const files = globSync('test/**/*.test.ts', { cwd: ROOT }).sort();
  const kinds = Map.groupBy(files, (file) => startsSomething(join(ROOT, file), known));
  return { fast: kinds.get(false) ?? [], starting: kinds.get(true) ?? [] };
}

/** The files in test/ that a file there imports, whether they exist or not. */
export function importedInTest(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)]
    .map(([, path = '']) => join(dirname(file), path))
    .filter((path) => !relative(join(ROOT, 'test'), path).startsWith('..'));
}

function startsSomething(file: string, known: Map<string, boolean>): boolean {
  const before = known.get(file);
  if (before !== undefined) return before;
  // Breaks import cycles: the answer then comes from the other imports.
  known.set(file, false);
  const starts =
    STARTS_SOMETHING.test(readFileSync(file, 'utf8')) ||
    importedInTest(file).some((path) => existsSync(path) && startsSomething(path, known));
  known.set(file, starts);
  return starts;
}
