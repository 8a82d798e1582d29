/** What can become of the callers of each rule of the live set, worked out when first asked. */
import { OTHERWISE } from '../../core/machine/plan.ts';
import { type RuleReport, ruleReport } from '../../core/prove/report.ts';
import { type TreeLine, treeLines } from '../../core/prove/tree.ts';
import { inWords } from '../../core/prove/words.ts';
import type { CompiledRoutes } from '../../core/rules/compiled-routes.ts';
import type { Example } from '../../routing/expected/example.ts';
import { exampleCalls, proveInSlices } from '../../routing/expected/guarantees.ts';
import type { Routes } from '../../routing/reload.ts';

/** What can become of a rule's callers, and what happens on the worst paths, in words. */
export interface RuleProved extends RuleReport {
  hash: string;
  patience_secs: number | null;
  words: { wait: string; silence: string; moves: string } | null;
  tree: TreeLine[];
}

export interface RuleProofs {
  /** Of one rule or `otherwise`; null if there is no rule of this name. */
  of(rule: string): Promise<RuleProved | null>;
}

export function createRuleProofs(routes: Pick<Routes, 'current' | 'examples'>): RuleProofs {
  const proved = new WeakMap<CompiledRoutes, Map<string, Promise<RuleProved | null>>>();
  return {
    of(rule) {
      const set = routes.current();
      const exists = rule === OTHERWISE || set.set.rules.some(({ name }) => name === rule);
      if (!exists) return Promise.resolve(null);
      const known = proved.get(set) ?? new Map<string, Promise<RuleProved | null>>();
      proved.set(set, known);
      const found = known.get(rule) ?? prove(set, rule, routes.examples());
      // A failure is not cached.
      known.set(rule, found);
      found.catch(() => known.delete(rule));
      return found;
    },
  };
}

async function prove(
  set: CompiledRoutes,
  rule: string,
  examples: readonly Example[],
): Promise<RuleProved | null> {
  const calls = exampleCalls(examples, Date.now());
  const [proof] = await proveInSlices(set, { rules: [rule], examples: calls });
  if (proof === undefined) return null;
  const { wait, silence, moves } = proof.summary;
  const known = wait !== null && silence !== null && moves !== null;
  return {
    hash: set.set.hash,
    ...ruleReport(proof),
    patience_secs: proof.patienceMs === null ? null : proof.patienceMs / 1000,
    words: known ? { wait: inWords(wait), silence: inWords(silence), moves: inWords(moves) } : null,
    tree: treeLines(proof),
  };
}
