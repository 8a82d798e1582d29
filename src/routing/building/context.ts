/** Shared by the builders of a set: the defined names, which of them are used, and the problems. */
import type { CountryCode } from 'libphonenumber-js/min';
import type { Prompt, RouteStep, Rule } from '../../core/rules/rule.ts';
import type { RowScope } from '../../core/rules/tables/found-rows.ts';
import type { Table } from '../../core/rules/tables/table.ts';
import type { AllowPattern } from '../../core/rules/targets/allow.ts';
import type { Positions } from '../decode/positions.ts';
import { quoted } from '../numbers/number.ts';
import { didYouMean, type Place, type Problems } from '../problem.ts';
import { type DurationBounds, parseDuration } from './duration.ts';
import { Flows } from './flows.ts';
import type { DateZone } from './rule-dates.ts';
import type { Uncertain } from './uncertain.ts';

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

/** A value that `row` asks for. */
export interface RowValue {
  /** As written: `tier` or `customers.tier`. */
  reference: string;
  scope: RowScope;
  value: string;
  at: Place;
}

export interface SetContext {
  problems: Problems;
  /** Every name defined in any file, even if its definition has problems. */
  names: Record<NameKind, Map<string, Place>>;
  used: Record<NameKind, Set<string>>;
  /** See uncertain.ts. */
  uncertain: Set<Uncertain>;
  /** Tables that a rule requires, if it may require others in a part that could not be read. */
  unsureRows: WeakSet<RowScope>;
  /** Schedules that could not be read completely, so nothing can be concluded from them. */
  broken: Set<string>;
  allow: AllowPattern[];
  /** `policy.country`, whose national number formats are understood; null: none are. */
  country: CountryCode | null;
  flows: Flows;
  /** The reasons for being closed, by the schedule's name. */
  reasons: Map<string, Set<string>>;
  /** The time zone of dates in rules. */
  dateZone: DateZone;
  tables: Map<string, Table>;
  /** What rules ask of cells, checked when all are known. */
  rowValues: RowValue[];
  /** Tables whose columns could not be read, so uses of them are not checked. */
  unreadTables: Set<string>;
  /** The fields that each lookup keeps; none for a lookup with problems. */
  kept: Map<string, ReadonlySet<string>>;
  prompts: Map<string, Prompt>;
  /** The place of each rule in its file. */
  rulePlaces: WeakMap<Rule, Place>;
  /** The place of each step in its file. */
  stepPlaces: WeakMap<RouteStep, Place>;
}

/** What steps are built with. */
export interface StepBuilder {
  context: SetContext;
  positions: Positions;
  /** False for steps from a handler, whose destinations must satisfy policy.allow. */
  trusted: boolean;
}

export function newContext(problems: Problems): SetContext {
  return {
    problems,
    names: named(() => new Map()),
    used: named(() => new Set()),
    uncertain: new Set(),
    unsureRows: new WeakSet(),
    broken: new Set(),
    allow: [],
    country: null,
    flows: new Flows(),
    prompts: new Map(),
    reasons: new Map(),
    dateZone: { zone: 'UTC', sure: true },
    tables: new Map(),
    rowValues: [],
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

/** Marks a name as used, or reports an unknown name with the nearest known word. */
export function useName(context: SetContext, kind: NameKind, name: string, at: Place): boolean {
  if (context.names[kind].has(name)) {
    context.used[kind].add(name);
    return true;
  }
  if (context.uncertain.has(kind)) return false;
  const known = context.names[kind];
  const hint = () =>
    known.size === 0 ? `write it under ${SECTIONS[kind]}:` : didYouMean(name, known.keys());
  context.problems.problem(at, `unknown ${kind} ${quoted(name)}`, hint);
  return false;
}

/** Milliseconds of an optional duration of `owner`; the default if it is absent or invalid. */
export function durationOf<K extends string, T>(
  context: SetContext,
  owner: { [key in K]?: string },
  key: K,
  bounds: DurationBounds,
  fallback: T,
  positions: Positions,
): number | T {
  const text = owner[key];
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
