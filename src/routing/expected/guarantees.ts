/**
 * Checks a set's guarantees: a broken one is a problem of the set, shown with the path that breaks
 * it.
 */
import { type Breach, breaches } from '../../core/prove/guarantee.ts';
import { tell } from '../../core/prove/path.ts';
import { type ProveOptions, proveRoutes, type RuleProof } from '../../core/prove/prove.ts';
import type { ExampleCall } from '../../core/prove/starts.ts';
import { inWords } from '../../core/prove/words.ts';
import type { CompiledRoutes } from '../../core/rules/compiled-routes.ts';
import { quoted } from '../numbers/number.ts';
import type { Problems } from '../problem.ts';
import { inSlices } from '../slices.ts';
import type { LocatedGuarantee } from './build-guarantees.ts';
import type { Example } from './example.ts';

export async function holdGuarantees(
  routes: CompiledRoutes,
  located: readonly LocatedGuarantee[],
  examples: readonly ExampleCall[],
  problems: Problems,
): Promise<void> {
  if (located.length === 0) return;
  const named = located.map(({ guarantee }) => guarantee.rules);
  // Only the rules that some guarantee is about.
  const rules = named.includes(null) ? {} : { rules: named.flatMap((names) => names ?? []) };
  const proofs = await proveInSlices(routes, { ...rules, examples });
  for (const { guarantee, place, clauses } of located) {
    for (const breach of breaches(guarantee, proofs)) {
      const at = breach.clause === null ? place : (clauses[breach.clause] ?? place);
      problems.problem(at, inMessage(guarantee.name, breach), hintOf(breach));
    }
  }
}

/** Blocks the event loop only for one slice at a time, however long the whole takes. */
export function proveInSlices(routes: CompiledRoutes, options: ProveOptions): Promise<RuleProof[]> {
  return inSlices(proveRoutes(routes, options));
}

export function exampleCalls(examples: readonly Example[], nowMs: number): ExampleCall[] {
  return examples.map(({ name, facts, atMs, overrides, lookups }) => ({
    name,
    facts,
    at: atMs ?? nowMs,
    overrides,
    lookups,
  }));
}

function inMessage(name: string, { rule, clause, why }: Breach): string {
  return clause === null
    ? `the guarantee ${quoted(name)} cannot be proven for the rule ${quoted(rule)}: ${why}`
    : `the guarantee ${quoted(name)} is broken by the rule ${quoted(rule)}: ${why}`;
}

function hintOf({ path }: Breach): string {
  if (path === null) return 'name the rules it applies to: rules: [ … ]';
  const { path: steps, ends } = tell(path);
  return `${inWords(path)} (${[...steps, `ends ${ends}`].join(', ')})`;
}
