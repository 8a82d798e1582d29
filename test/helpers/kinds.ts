/**
 * The two kinds of test files, told apart by what they import, themselves or through what lies in
 * test/: whoever can start a process, a thread, a browser, PostgreSQL or the whole server starts
 * something; all others are fast. `npm run test:fast` runs the fast ones, but not
 * *.property.test.ts: those search for seconds each.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const STARTS_SOMETHING =
  /from '(?:node:(?:child_process|cluster|worker_threads)|playwright-core)'|inject\('\w+Broker'\)|src\/compose\.ts'/;

/** Paths of test files from the root of the checkout. */
export function testFiles(): { fast: string[]; starting: string[] } {
  const known = new Map<string, boolean>();
  const files = globSync('test/**/*.test.ts', { cwd: ROOT }).sort();
  const kinds = Map.groupBy(files, (file) => startsSomething(join(ROOT, file), known));
  return { fast: kinds.get(false) ?? [], starting: kinds.get(true) ?? [] };
}

/** What a file in test/ imports from there, whether it exists or not. */
export function importedInTest(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)]
    .map(([, path = '']) => join(dirname(file), path))
    .filter((path) => !relative(join(ROOT, 'test'), path).startsWith('..'));
}

function startsSomething(file: string, known: Map<string, boolean>): boolean {
  const before = known.get(file);
  if (before !== undefined) return before;
  // For files that import each other: the answer then comes from what else they import.
  known.set(file, false);
  const starts =
    STARTS_SOMETHING.test(readFileSync(file, 'utf8')) ||
    importedInTest(file).some((path) => existsSync(path) && startsSomething(path, known));
  known.set(file, starts);
  return starts;
}
