/**
 * The program that tests start as a process: `bin/referee.js` with the sources of this checkout, in
 * a bundle that starts with two thirds of the CPU. What a user starts, from a checkout or from the
 * package, is started by `test/e2e/starting.test.ts`, `test/cli` and `test/package`.
 */
import { inject } from 'vitest';
import { askBroker } from './broker.ts';

/** Its path; bundled once per test run. */
export function bundledProgram(): Promise<string> {
  return askBroker(inject('bundleBroker'));
}
