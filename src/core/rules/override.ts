/**
 * What operators force: a schedule open or closed, a switch on or off, a target to rest or to be
 * tried. The store holds it, so that all replicas decide alike.
 */

/** Who forced it, since when and why; absent if nobody said so. */
export interface Forced {
  /** Null: until somebody ends it. */
  untilMs: number | null;
  sinceMs?: number;
  reason?: string | null;
  by?: string | null;
}

export type ForcedSchedule = Forced & { open: boolean };
export type ForcedSwitch = Forced & { on: boolean };
/** False: the target is tried, whatever the result of its last attempts. */
export type ForcedTarget = Forced & { rest: boolean };

export interface Overrides {
  /** By name. */
  schedules?: Record<string, ForcedSchedule>;
  switches?: Record<string, ForcedSwitch>;
  targets?: Record<string, ForcedTarget>;
}

/** Reads the value of the setting `overrides`, which is empty if nothing was ever forced. */
export function overridesOf(value: unknown): Overrides {
  return (value ?? {}) as Overrides;
}

/** What is forced for a name at this time; undefined if nothing is. */
export function inForce<T extends Forced>(
  forced: Record<string, T> | undefined,
  name: string,
  atMs: number,
): T | undefined {
  const found = forced !== undefined && Object.hasOwn(forced, name) ? forced[name] : undefined;
  return found === undefined || isOver(found, atMs) ? undefined : found;
}

/** The reason in one line, as in a trace; empty if nobody gave one. */
export function reasonOf({ reason }: Forced): string {
  return (reason ?? '').replace(/\s+/g, ' ').trim();
}

/** Everything that is forced at this time, by name. */
export function allInForce<T extends Forced>(
  forced: Record<string, T> | undefined,
  atMs: number,
): [name: string, forced: T][] {
  return Object.entries(forced ?? {}).filter(([, one]) => !isOver(one, atMs));
}

function isOver({ untilMs }: Forced, atMs: number): boolean {
  return untilMs !== null && atMs >= untilMs;
}

/** The overrides, but with these switches as given. */
export function withSwitches(overrides: Overrides, wanted: Record<string, boolean>): Overrides {
  const turned = Object.entries(wanted).map(([name, on]) => [name, { on, untilMs: null }] as const);
  return { ...overrides, switches: { ...overrides.switches, ...Object.fromEntries(turned) } };
}

/** A schedule, switch or target that an operator has forced. */
export interface ForcedThing extends Forced {
  kind: 'schedule' | 'switch' | 'target';
  name: string;
  state: 'open' | 'closed' | 'on' | 'off' | 'resting' | 'awake';
  /** False: the route set has none with this name, so the override has no effect. */
  known: boolean;
}

/** Everything that is forced at this time; names that the route set does not know come last. */
export function forcedThings(
  set: {
    schedules: ReadonlyMap<string, unknown>;
    switches: ReadonlyMap<string, unknown>;
    targets: ReadonlyMap<string, unknown>;
  },
  overrides: Overrides,
  atMs: number,
): ForcedThing[] {
  const schedules = allInForce(overrides.schedules, atMs).map(([name, { open, ...forced }]) => ({
    ...forced,
    kind: 'schedule' as const,
    name,
    state: open ? ('open' as const) : ('closed' as const),
    known: set.schedules.has(name),
  }));
  const switches = allInForce(overrides.switches, atMs).map(([name, { on, ...forced }]) => ({
    ...forced,
    kind: 'switch' as const,
    name,
    state: on ? ('on' as const) : ('off' as const),
    known: set.switches.has(name),
  }));
  const targets = allInForce(overrides.targets, atMs).map(([name, { rest, ...forced }]) => ({
    ...forced,
    kind: 'target' as const,
    name,
    state: rest ? ('resting' as const) : ('awake' as const),
    known: set.targets.has(name),
  }));
  return [...schedules, ...switches, ...targets].toSorted(
    (a, b) => Number(b.known) - Number(a.known),
  );
}
