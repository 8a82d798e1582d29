/**
 * What operators override: whether a schedule is open, a switch is on, a target rests. The store
 * holds it, so that all replicas decide alike.
 */

/** Until when, since when, why and by whom; absent if nobody said so. */
export interface Override {
  /** Null: until somebody ends it. */
  untilMs: number | null;
  sinceMs?: number;
  reason?: string | null;
  by?: string | null;
}

export type ScheduleOverride = Override & { open: boolean };
export type SwitchOverride = Override & { on: boolean };
/** False: the target is tried, whatever the result of its last attempts. */
export type TargetOverride = Override & { rest: boolean };

export interface Overrides {
  /** By name. */
  schedules?: Record<string, ScheduleOverride>;
  switches?: Record<string, SwitchOverride>;
  targets?: Record<string, TargetOverride>;
}

/** Reads the value of the setting `overrides`, which is empty if there never was one. */
export function overridesOf(value: unknown): Overrides {
  return (value ?? {}) as Overrides;
}

/** The override of this name at this time; undefined if there is none. */
export function inForce<T extends Override>(
  overrides: Record<string, T> | undefined,
  name: string,
  atMs: number,
): T | undefined {
  const found =
    overrides !== undefined && Object.hasOwn(overrides, name) ? overrides[name] : undefined;
  return found === undefined || isOver(found, atMs) ? undefined : found;
}

/** The reason in one line, as in a trace; empty if nobody gave one. */
export function reasonOf({ reason }: Override): string {
  return (reason ?? '').replace(/\s+/g, ' ').trim();
}

/** All overrides of this time, by name. */
export function allInForce<T extends Override>(
  overrides: Record<string, T> | undefined,
  atMs: number,
): [name: string, override: T][] {
  return Object.entries(overrides ?? {}).filter(([, one]) => !isOver(one, atMs));
}

function isOver({ untilMs }: Override, atMs: number): boolean {
  return untilMs !== null && atMs >= untilMs;
}

/** The overrides, but with these switches as given. */
export function withSwitches(overrides: Overrides, wanted: Record<string, boolean>): Overrides {
  const turned = Object.entries(wanted).map(([name, on]) => [name, { on, untilMs: null }] as const);
  return { ...overrides, switches: { ...overrides.switches, ...Object.fromEntries(turned) } };
}

/** An override with what it is of. */
export interface ListedOverride extends Override {
  kind: 'schedule' | 'switch' | 'target';
  name: string;
  state: 'open' | 'closed' | 'on' | 'off' | 'resting' | 'awake';
  /** False: the route set has none with this name, so the override has no effect. */
  known: boolean;
}

/** All overrides of this time; names that the route set does not know come last. */
export function listOverrides(
  set: {
    schedules: ReadonlyMap<string, unknown>;
    switches: ReadonlyMap<string, unknown>;
    targets: ReadonlyMap<string, unknown>;
  },
  overrides: Overrides,
  atMs: number,
): ListedOverride[] {
  const schedules = allInForce(overrides.schedules, atMs).map(([name, { open, ...override }]) => ({
    ...override,
    kind: 'schedule' as const,
    name,
    state: open ? ('open' as const) : ('closed' as const),
    known: set.schedules.has(name),
  }));
  const switches = allInForce(overrides.switches, atMs).map(([name, { on, ...override }]) => ({
    ...override,
    kind: 'switch' as const,
    name,
    state: on ? ('on' as const) : ('off' as const),
    known: set.switches.has(name),
  }));
  const targets = allInForce(overrides.targets, atMs).map(([name, { rest, ...override }]) => ({
    ...override,
    kind: 'target' as const,
    name,
    state: rest ? ('resting' as const) : ('awake' as const),
    known: set.targets.has(name),
  }));
  return [...schedules, ...switches, ...targets].toSorted(
    (a, b) => Number(b.known) - Number(a.known),
  );
}
