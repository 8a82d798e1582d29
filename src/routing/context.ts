/** Shared by the builders of a set: the defined names, which of them are used, and the problems. */
import type { CountryCode } from 'libphonenumber-js/min';
import type { AllowPattern } from '../core/rules/allow.ts';
import type { Prompt, RouteStep, Rule } from '../core/rules/rule.ts';
import type { Table } from '../core/rules/table.ts';
import { type DurationBounds, parseDuration } from './duration.ts';
import { Flows } from './flows.ts';
import { quoted } from './number.ts';
import type { Positions } from './positions.ts';
import { didYouMean, type Place, type Problems } from './problem.ts';
import type { DateZone } from './rule-dates.ts';

export type NameKind =
  | 'target'
  | 'list'
  | 'table'
  | 'schedule'
  | 'switch'
  | 'flow'
  | 'lookup'
  | 'prompt';

export const SECTIONS = {
  target: 'targets',
  list: 'lists',
  table: 'tables',
  schedule: 'schedules',
  switch: 'switches',
  flow: 'flows',
  lookup: 'lookups',
  prompt: 'prompts',
} as const satisfies Record<NameKind, string>;

export interface SetContext {
  problems: Problems;
  /** Every name written in any file, also where the thing itself has problems. */
  names: Record<NameKind, Map<string, Place>>;
  used: Record<NameKind, Set<string>>;
  /** Schedules of which something could not be read: nothing to conclude from the rest. */
  broken: Set<string>;
  allow: AllowPattern[];
  /** `policy.country`: whose national forms are understood; null: nobody's. */
  country: CountryCode | null;
  flows: Flows;
  /** Why schedules are closed, by their names. */
  reasons: Map<string, Set<string>>;
  /** In which dates of rules are meant. */
  dateZone: DateZone;
  tables: Map<string, Table>;
  /** Tables whose columns are not known: nothing to say about the uses of them. */
  unreadTables: Set<string>;
  /** What each lookup keeps; none of one with problems. */
  kept: Map<string, ReadonlySet<string>>;
  prompts: Map<string, Prompt>;
  /** Where each rule stands. */
  rulePlaces: WeakMap<Rule, Place>;
  /** Where the destination of each moving step stands. */
  stepPlaces: WeakMap<RouteStep, Place>;
}

export function newContext(problems: Problems): SetContext {
  return {
    problems,
    names: named(() => new Map()),
    used: named(() => new Set()),
    broken: new Set(),
    allow: [],
    country: null,
    flows: new Flows(),
    prompts: new Map(),
    reasons: new Map(),
    dateZone: { zone: 'UTC', sure: true },
    tables: new Map(),
    unreadTables: new Set(),
    kept: new Map(),
    rulePlaces: new WeakMap(),
    stepPlaces: new WeakMap(),
  };
}

function named<T>(make: () => T): Record<NameKind, T> {
  const entries = Object.keys(SECTIONS).map((kind) => [kind, make()]);
  return Object.fromEntries(entries) as Record<NameKind, T>;
}

/** Marks a name as used; a problem with the nearest word where there is none of this name. */
export function useName(context: SetContext, kind: NameKind, name: string, at: Place): boolean {
  if (context.names[kind].has(name)) {
    context.used[kind].add(name);
    return true;
  }
  const known = context.names[kind];
  const hint =
    known.size === 0 ? `write it under ${SECTIONS[kind]}:` : didYouMean(name, known.keys());
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
