/**
 * `via`: how callers are moved (refer, transfer or both), and a warning if callers from the
 * telephone network were not considered.
 */
import { mayHold } from '../../core/rules/may-hold.ts';
import {
  type Clause,
  everyStep,
  type RouteSet,
  type RouteStep,
  targetsOf,
  type Ways,
} from '../../core/rules/rule.ts';
import type { SetContext } from '../building/context.ts';
import type { Positions } from '../decode/positions.ts';
import type { WrittenVia } from '../schema/steps.ts';

/** Null if there is no `via`. */
export function waysOf(
  context: SetContext,
  written: WrittenVia | undefined,
  positions: Positions,
): Ways | null {
  if (written === undefined) return null;
  if (typeof written === 'string') return [written];
  const twice = written.findIndex((way, index) => written.indexOf(way) < index);
  if (twice < 0) return written;
  context.problems.problem(
    positions.at(written, twice),
    `via names ${written[twice]} twice`,
    'each way is tried once: refer, transfer, or [refer, transfer]',
  );
  return [...new Set(written)];
}

/**
 * Most carriers refuse a REFER. The warning is given once for the whole set, and not if a `via`
 * says how such callers are moved.
 */
export function checkWays(context: SetContext, set: RouteSet): void {
  const rules = set.rules.flatMap(({ name, when, action }) =>
    'steps' in action && mayHold(when, ofPstn) !== false ? [{ name, steps: action.steps }] : [],
  );
  const found = [...rules, { name: 'otherwise', steps: set.otherwise }].flatMap(
    ({ name, steps }) => {
      const place = hasTransfer(steps, set) ? undefined : placeOfRefer(context, steps, set);
      return place === undefined ? [] : [{ name, place }];
    },
  );
  const [first, ...others] = found;
  if (first === undefined) return;
  const also = others.length === 0 ? '' : `, and in ${others.length} more`;
  context.problems.warning(
    first.place,
    `callers from the telephone network can only be moved by REFER in ${JSON.stringify(first.name)}${also}: most carriers refuse it`,
    'write policy: { via: { pstn: [refer, transfer] } }, or { pstn: refer } if yours accepts it',
  );
}

/**
 * Whether a clause holds for a caller from the telephone network who calls one of our numbers;
 * null: unknown.
 */
function ofPstn(clause: Clause): boolean | null {
  if (clause.key === 'caller_type') return clause.values.includes('pstn');
  if (clause.key === 'direction') return clause.values.includes('incoming');
  const address = clause.key === 'from' || clause.key === 'to';
  return address && clause.values.every((value) => /^sips?:/i.test(value)) ? false : null;
}

function hasTransfer(steps: readonly RouteStep[], set: RouteSet): boolean {
  return everyStep(steps).some(
    (step) =>
      step.do === 'transfer' || (step.do === 'refer' && waysTo(step, set)?.includes('transfer')),
  );
}

/** The place of the first refer step without any `via`. */
function placeOfRefer(context: SetContext, steps: readonly RouteStep[], set: RouteSet) {
  const step = everyStep(steps).find((each) => each.do === 'refer' && waysTo(each, set) === null);
  return step === undefined ? undefined : context.stepPlaces.get(step);
}

/** The `via` that applies to a step for a caller from the telephone network. */
function waysTo(step: Extract<RouteStep, { do: 'refer' }>, set: RouteSet): Ways | null {
  const { to } = step;
  const byTarget = targetsOf(to).map((name) => set.targets.get(name)?.via ?? null);
  const written = byTarget.every((ways) => ways !== null) ? byTarget.flat() : [];
  const own = to.kind === 'literal' ? (to.more?.via ?? null) : null;
  return step.via ?? own ?? (written.length > 0 ? written : set.policy.via.pstn);
}
