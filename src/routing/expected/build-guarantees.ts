/** Builds the guarantees of all files and checks that the rules they name exist. */

import { OTHERWISE } from '../../core/machine/plan.ts';
import type { Clause, Guarantee } from '../../core/prove/guarantee.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import { durationOf, type SetContext } from '../building/context.ts';
import { GUARANTEE_BOUNDS } from '../building/duration.ts';
import { knowsAllRules } from '../building/uncertain.ts';
import type { Positions } from '../decode/positions.ts';
import type { DecodedSet } from '../decoded-set.ts';
import { quoted } from '../numbers/number.ts';
import { didYouMean, type Place } from '../problem.ts';
import type { WrittenGuarantee } from '../schema/guarantee.ts';

export interface LocatedGuarantee {
  guarantee: Guarantee;
  place: Place;
  clauses: Partial<Record<Clause, Place>>;
}

export function buildGuarantees(
  context: SetContext,
  input: DecodedSet,
  set: RouteSet,
): LocatedGuarantee[] {
  const built: LocatedGuarantee[] = [];
  const names = new Map<string, Place>();
  const rules = new Set([...set.rules.map(({ name }) => name), OTHERWISE]);
  const areRulesKnown = knowsAllRules(input);
  for (const { routes, positions } of input.files) {
    for (const written of routes.guarantees ?? []) {
      const at = positions.at(written, 'name');
      const before = names.get(written.name);
      if (before !== undefined) {
        context.problems.problem(
          at,
          `a guarantee ${quoted(written.name)} is already defined in ${before.file}:${before.line}`,
          'each name may be defined only once in the set',
        );
      }
      names.set(written.name, before ?? at);
      if (areRulesKnown) checkRules(context, written, positions, rules);
      checkPromise(context, written, positions);
      built.push(buildGuarantee(context, written, positions));
    }
  }
  return built;
}

function checkRules(
  context: SetContext,
  { rules = [] }: WrittenGuarantee,
  positions: Positions,
  known: ReadonlySet<string>,
): void {
  for (const [index, name] of rules.entries()) {
    if (known.has(name)) continue;
    const at = positions.at(rules, index);
    context.problems.problem(at, `unknown rule ${quoted(name)}`, didYouMean(name, known));
  }
}

const CLAUSES = ['wait', 'silence', 'moves', 'never_ends', 'always_hears'] as const;

function checkPromise(context: SetContext, written: WrittenGuarantee, positions: Positions): void {
  if (CLAUSES.some((clause) => written[clause] !== undefined && written[clause] !== false)) return;
  const at = positions.at(written);
  // A clause that could not be read has already been reported.
  if (!positions.isWhole(written)) return;
  context.problems.problem(
    at,
    `the guarantee ${quoted(written.name)} has no condition`,
    'write for example wait: 120s; also silence, moves, never_ends, always_hears',
  );
}

function buildGuarantee(
  context: SetContext,
  written: WrittenGuarantee,
  positions: Positions,
): LocatedGuarantee {
  const limit = (key: 'wait' | 'silence') =>
    durationOf(context, written, key, GUARANTEE_BOUNDS, null, positions);
  const clauses = Object.fromEntries(
    CLAUSES.filter((clause) => written[clause] !== undefined).map((clause) => [
      clause,
      positions.at(written, clause),
    ]),
  );
  return {
    guarantee: {
      name: written.name,
      rules: written.rules ?? null,
      waitMs: limit('wait'),
      silenceMs: limit('silence'),
      moves: written.moves ?? null,
      neverEnds: written.never_ends ?? [],
      alwaysHears: written.always_hears ?? false,
    },
    place: positions.at(written),
    clauses,
  };
}
