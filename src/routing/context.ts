/** Shared by the builders of a set: the defined names, which of them are used, and the problems. */
import type { AllowPattern } from '../core/rules/allow.ts';
import type { RouteStep, Rule } from '../core/rules/rule.ts';
import { type DurationBounds, parseDuration } from './duration.ts';
import { Flows } from './flows.ts';
import { quoted } from './number.ts';
import type { Positions } from './positions.ts';
import { didYouMean, type Place, type Problems } from './problem.ts';

export type NameKind = 'target' | 'list' | 'schedule' | 'flow';

export interface SetContext {
  problems: Problems;
  /** Every name written in any file, also where the thing itself has problems. */
  names: Record<NameKind, Map<string, Place>>;
  used: Record<NameKind, Set<string>>;
  /** Schedules of which something could not be read: nothing to conclude from the rest. */
  broken: Set<string>;
  allow: AllowPattern[];
  flows: Flows;
  /** Where each rule stands. */
  rulePlaces: WeakMap<Rule, Place>;
  /** Where the destination of each moving step stands. */
  stepPlaces: WeakMap<RouteStep, Place>;
}

export function newContext(problems: Problems): SetContext {
  return {
    problems,
    names: { target: new Map(), list: new Map(), schedule: new Map(), flow: new Map() },
    used: { target: new Set(), list: new Set(), schedule: new Set(), flow: new Set() },
    broken: new Set(),
    allow: [],
    flows: new Flows(),
    rulePlaces: new WeakMap(),
    stepPlaces: new WeakMap(),
  };
}

/** Marks a name as used; a problem with the nearest word where there is none of this name. */
export function useName(context: SetContext, kind: NameKind, name: string, at: Place): boolean {
  if (context.names[kind].has(name)) {
    context.used[kind].add(name);
    return true;
  }
  const known = context.names[kind];
  const hint = known.size === 0 ? `write it under ${kind}s:` : didYouMean(name, known.keys());
  context.problems.problem(at, `unknown ${kind} ${quoted(name)}`, hint);
  return false;
}

/** Milliseconds of an optional duration of `owner`; the default where it is absent or wrong. */
export function durationOf<T>(
  context: SetContext,
  owner: object,
  key: string,
  text: string | undefined,
  bounds: DurationBounds,
  fallback: T,
  positions: Positions,
): number | T {
  if (text === undefined) return fallback;
  const ms = parseDuration(text);
  if (ms !== null && ms >= bounds.fromMs && ms <= bounds.toMs) return ms;
  context.problems.problem(
    positions.at(owner, key),
    `${key} ${quoted(text)} is out of bounds`,
    `from ${bounds.words}`,
  );
  return fallback;
}
