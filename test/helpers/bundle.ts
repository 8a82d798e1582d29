/**
 * The program that tests start as a process: `bin/referee.js` with the sources of this checkout, in
 * a bundle that starts with half the CPU. What a user starts, from a checkout or from the package,
 * is started by `test/e2e/starting.test.ts`, `test/cli` and `test/package`.
 */
import { inject } from 'vitest';

let asked: Promise<string> | null = null;

/** Its path; bundled once per test run. */
export function bundledProgram(): Promise<string> {
  asked ??= ask();
  return asked;
}

async function ask(): Promise<string> {
  const answer = await fetch(inject('bundleBroker'));
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}
