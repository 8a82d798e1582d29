/**
 * Every path of the rules of a set, and the worst of them, for `referee prove`, guarantees and the
 * page. It runs the server's own `transition` and resolves steps as the server does, in virtual
 * time and without an account.
 */
import { counted } from '../counted.ts';
import type { Verdict } from '../machine/call.ts';
import { OTHERWISE } from '../machine/plan.ts';
import { atOnce } from '../rules/at-once.ts';
import type { CompiledRoutes } from '../rules/compiled-routes.ts';
import type { Rule } from '../rules/rule.ts';
import type { Choosing } from './choices.ts';
import { emptySummary, include, type Summary } from './path.ts';
import { type Fork, Search } from './search.ts';
import {
  begin,
  decisionsOf,
  type ExampleCall,
  type Limits,
  type Start,
  startsOf,
} from './starts.ts';

export interface RuleProof {
  /** `otherwise` is used as a name, because no rule may have it. */
  rule: string;
  complete: boolean;
  /** What was not examined; null if everything was. */
  unfinished: string | null;
  summary: Summary;
  /** For each kind of caller, what they can meet, except for what only depends on durations. */
  trees: { who: string | null; root: Fork }[];
  /** Patience may end before the steps do; then the last resort follows. */
  patienceMs: number | null;
}

export interface ProveOptions {
  /** Rules by name, `otherwise` among them; absent: all. */
  rules?: readonly string[];
  /** For rules that are decided by a handler. */
  examples: readonly ExampleCall[];
  /** One target's answer to every caller. */
  fixed?: { target: string; verdict: Verdict };
}

/** Yields often, so that whoever must not be blocked can run it in slices. */
export function* proveRoutes(
  routes: CompiledRoutes,
  options: ProveOptions,
): Generator<void, RuleProof[]> {
  const proofs: RuleProof[] = [];
  for (const rule of [...routes.set.rules, null]) {
    if (options.rules?.includes(rule?.name ?? OTHERWISE) === false) continue;
    proofs.push(yield* proveRule(routes, rule, options));
  }
  return proofs;
}

/** How many paths of a rule are examined. */
const PATHS_MAX = 100_000;

function* proveRule(
  routes: CompiledRoutes,
  rule: Rule | null,
  options: ProveOptions,
): Generator<void, RuleProof> {
  const { starts, unfinished } = yield* startsOf(routes, rule, options.examples);
  const proof: RuleProof = {
    rule: rule?.name ?? OTHERWISE,
    complete: unfinished === null,
    unfinished,
    summary: emptySummary(),
    trees: [],
    patienceMs: null,
  };
  for (const start of starts) {
    const left = PATHS_MAX - proof.summary.paths;
    if (left > 0) {
      const { root, search, cut } = yield* searchFrom(start, options.fixed ?? null, left);
      proof.trees.push({ who: start.who, root });
      include(proof.summary, null, search.root.summary, false);
      if (cut) proof.patienceMs = start.decision.policy.patienceMs;
      if (search.complete) continue;
    }
    proof.complete = false;
    proof.unfinished = `it has more than ${counted(PATHS_MAX, 'path')}: only these were examined`;
    break;
  }
  return proof;
}

const NO_LIMITS = {
  patienceMs: Number.POSITIVE_INFINITY,
  refersPerCall: null,
  transfersPerCall: null,
};

/**
 * First searches without patience and budgets: then only the order of events matters, and
 * everything at its longest is the worst. If patience or a budget of the call could run out, or a
 * target could still report after it was given up, durations decide what follows. Then it searches
 * again with both, everything at its longest and at its shortest.
 */
function* searchFrom(start: Start, fixed: Choosing['fixed'], pathsMax: number) {
  const { policy } = start.decision;
  const { answered } = start.asked;
  const how = (limits: Limits) => ({ decide: decisionsOf(start, limits), answered, fixed });
  const untimed = new Search(
    begin(start, NO_LIMITS),
    { ...how(NO_LIMITS), timed: false },
    pathsMax,
  );
  yield* run(untimed);
  const { refers, transfers } = untimed.root.summary;
  const impatient = untimed.movingMs >= policy.patienceMs;
  const within =
    refers <= (policy.refersPerCall ?? refers) &&
    transfers <= (policy.transfersPerCall ?? transfers) &&
    !untimed.overlaps &&
    !impatient;
  if (within) return { root: untimed.root, search: untimed, cut: false };
  const timed = new Search(begin(start, {}), { ...how({}), timed: true }, pathsMax);
  yield* run(timed);
  return { root: untimed.root, search: timed, cut: impatient };
}

const FORKS_A_TURN = 5;

function* run(search: Search): Generator<void, void> {
  while (!search.advance(FORKS_A_TURN)) yield;
}

/** Runs in one go, for callers that may block. */
export function proveNow(routes: CompiledRoutes, options: ProveOptions): RuleProof[] {
  return atOnce(proveRoutes(routes, options));
}
