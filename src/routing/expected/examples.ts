/**
 * Runs the examples of a route set with the server's own core and compares the results with what
 * they expect.
 */

import { type Played, simulate } from '../../core/dry-run/simulate.ts';
import { type CompiledRoutes, compileRouteSet } from '../../core/rules/compiled-routes.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import type { Problem } from '../problem.ts';
import type { Example } from './example.ts';

export interface ExampleResult {
  name: string;
  ok: boolean;
  /** The actual results for what was expected; `error` if an attempt had no scripted verdict. */
  got: ExampleOutcome & { error?: string };
  expected: ExampleOutcome;
  file: string;
  line: number;
  column: number;
}

export type ExampleOutcome = Example['expect'];

/** `warnings`: what handlers did wrong while the examples ran, each at its example's place. */
export function runExamples(
  set: RouteSet,
  examples: Example[],
  nowMs: number,
  routes: CompiledRoutes = compileRouteSet(set),
): { results: ExampleResult[]; warnings: Problem[] } {
  const warnings: Problem[] = [];
  const results = examples.map((example) => runExample(routes, example, nowMs, warnings));
  return { results, warnings };
}

function runExample(
  routes: CompiledRoutes,
  example: Example,
  nowMs: number,
  warnings: Problem[],
): ExampleResult {
  const played = simulate(routes, {
    facts: example.facts,
    at: example.atMs ?? nowMs,
    overrides: example.overrides,
    verdicts: example.verdicts,
    digits: example.digits,
    hangupAfter: example.hangupAfter,
    lookups: example.lookups,
    unscripted: 'error',
  });
  for (const warning of new Set(played.warnings)) {
    const message = `in the example ${JSON.stringify(example.name)}, ${warning}`;
    warnings.push({ ...example.place, message, hint: 'its rule did not get the call' });
  }
  const got = playedOutcome(played, example.expect);
  const same = JSON.stringify(got) === JSON.stringify(inOrder(example.expect));
  const error = errorOf(played);
  return {
    name: example.name,
    ok: same && error === null,
    got: error === null ? got : { ...got, error },
    expected: inOrder(example.expect),
    ...example.place,
  };
}

function errorOf(played: Played): string | null {
  if (played.unscripted.length === 0) return null;
  const names = played.unscripted.join(', ');
  return `tried without a scripted verdict: ${names}; add it to verdicts, for example ${played.unscripted[0]}: completed`;
}

/** Only what the example asks about. */
function playedOutcome(played: Played, asked: ExampleOutcome): ExampleOutcome {
  return inOrder({
    ...('rule' in asked ? { rule: played.rule } : {}),
    ...('attempts' in asked
      ? { attempts: played.attempts.map((attempt) => attempt.target ?? attempt.sip_address) }
      : {}),
    ...('ends' in asked && played.ends !== null ? { ends: played.ends } : {}),
    ...('path' in asked ? { path: played.path } : {}),
  });
}

function inOrder({ rule, attempts, ends, path }: ExampleOutcome): ExampleOutcome {
  return {
    ...(rule === undefined ? {} : { rule }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(ends === undefined ? {} : { ends }),
    ...(path === undefined ? {} : { path }),
  };
}
