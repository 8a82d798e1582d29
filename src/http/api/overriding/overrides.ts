/**
 * What overrides of schedules, switches and targets have in common: until when, why, and by whom.
 */
import { Type } from 'typebox';
import { iso, readMoment } from '../../../core/iso-time.ts';
import {
  allInForce,
  type Override,
  type Overrides,
  overridesOf,
} from '../../../core/rules/override.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import type { Log } from '../../../log/log.ts';
import { currentOverrides } from '../../../store/current-overrides.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import type { Problem } from '../../problem.ts';
import type { Audit } from '../audit.ts';
import { badMoment } from '../bad-field.ts';
import { orNull, PROBLEM, REASON, time } from '../schemas.ts';

/** What every endpoint that sets an override works with. */
export interface OverrideDeps {
  routes: Pick<LiveRoutes, 'current'>;
  store: Pick<Store, 'setting' | 'changeSetting'>;
  audit: Audit;
  log: Log;
  now: () => number;
}

/** Body members of every request that sets an override. */
export const OVERRIDE_ASKED = {
  until: Type.Optional(
    orNull(
      Type.String({
        maxLength: 40,
        description: 'ISO 8601 with a zone, in the future; absent: until somebody ends it',
      }),
    ),
  ),
  reason: REASON,
};

/** Schema of every request that sets an override by name. */
export const OVERRIDE_SCHEMA = {
  tags: ['routes'],
  params: Type.Object({
    name: Type.String({ minLength: 1, maxLength: HTTP_LIMITS.paramCharsMax }),
  }),
} as const;

/** The responses if it is refused. */
export const OVERRIDE_REFUSED = { 400: PROBLEM, 404: PROBLEM, 422: PROBLEM } as const;

/** Members of an override in an answer. */
export const OVERRIDE_MEMBERS = {
  until: orNull(time),
  reason: orNull(Type.String()),
  by: orNull(Type.String({ description: 'Who did it' })),
  since: orNull(time),
};

export type OverrideJson = ReturnType<typeof overrideJson>;

export function overrideJson({ untilMs, reason, by, sinceMs }: Override) {
  return {
    until: iso(untilMs),
    reason: reason ?? null,
    by: by ?? null,
    since: sinceMs === undefined ? null : iso(sinceMs),
  };
}

interface OverrideAsked {
  until?: string | null;
  reason?: string | null;
}

/** The parsed body, or the problem with the request. `state` null ends the override. */
export async function readOverride(
  store: Pick<Store, 'setting'>,
  { kind, name, known, state }: Named,
  { until = null, reason = null }: OverrideAsked,
  now: number,
): Promise<{ untilMs: number | null; reason: string | null } | { problem: Problem }> {
  const isLeft = state === null && !known.has(name) && (await isSet(store, kind, name, now));
  if (!known.has(name) && !isLeft) {
    return { problem: unknownName(SINGULAR[kind], name, [...known.keys()]) };
  }
  const untilMs = until === null ? null : readMoment(until);
  if (until !== null && untilMs === null) return { problem: badMoment('body', 'until', until) };
  if (untilMs !== null && untilMs <= now) return { problem: past(untilMs, now) };
  return { untilMs, reason: reason?.trim() || null };
}

type Kind = keyof Overrides;

const SINGULAR = { schedules: 'schedule', switches: 'switch', targets: 'target' } as const;

interface Named {
  kind: Kind;
  name: string;
  /** Those of the live routes, by name. */
  known: ReadonlyMap<string, unknown>;
  state: boolean | null;
}

/**
 * A name from an earlier route set may still have an override, and it must be possible to end it.
 */
async function isSet(
  store: Pick<Store, 'setting'>,
  kind: Kind,
  name: string,
  now: number,
): Promise<boolean> {
  return Object.hasOwn(unexpired(await currentOverrides(store), now)[kind], name);
}

/**
 * Sets an override for all replicas; null ends it. Resolves with all overrides after that and the
 * store's time of the change.
 */
export async function changeOverride<K extends Kind>(
  store: Pick<Store, 'changeSetting'>,
  kind: K,
  name: string,
  now: number,
  override: Omit<NonNullable<Overrides[K]>[string], 'sinceMs'> | null,
): Promise<{ sinceMs: number; overrides: Overrides }> {
  let written = { sinceMs: now, overrides: {} as Overrides };
  await store.changeSetting('overrides', (before, storeNow) => {
    // Drops only what has expired by both clocks, because one of them may be far ahead.
    const all = unexpired(overridesOf(before), Math.min(now, storeNow));
    const own: Record<string, unknown> = all[kind];
    if (override === null) delete own[name];
    else own[name] = { ...override, sinceMs: storeNow };
    written = { sinceMs: storeNow, overrides: stored(all) };
    return written.overrides;
  });
  return written;
}

/** Drops expired overrides, so that the setting does not grow. */
function unexpired({ schedules, switches, targets }: Overrides, now: number): Required<Overrides> {
  return {
    schedules: Object.fromEntries(allInForce(schedules, now)),
    switches: Object.fromEntries(allInForce(switches, now)),
    targets: Object.fromEntries(allInForce(targets, now)),
  };
}

/** The form in which they are stored: kinds without any override are left out. */
function stored(overrides: Required<Overrides>): Overrides {
  return Object.fromEntries(
    Object.entries(overrides).filter(([, own]) => Object.keys(own).length > 0),
  );
}

/** The problem for a name that the live route set does not have. */
export function unknownName(
  kind: 'schedule' | 'switch' | 'target' | 'lookup',
  name: string,
  known: string[],
): Problem {
  return {
    status: 404,
    reason: `unknown_${kind}`,
    detail: `No ${kind} is called ${JSON.stringify(name.slice(0, 100))}; the live route set has ${known.length === 0 ? 'none' : known.join(', ')}.`,
  };
}

function past(untilMs: number, now: number): Problem {
  return {
    status: 422,
    reason: 'until_in_the_past',
    field: 'until',
    detail: `body field "until": ${iso(untilMs)} is not after now (${iso(now)}).`,
  };
}
