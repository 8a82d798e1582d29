/** What forcing a schedule, a switch and a target have in common: until when, why, and by whom. */
import { Type } from 'typebox';
import { readMoment } from '../../core/iso-time.ts';
import { allInForce, type Forced, type Overrides, overridesOf } from '../../core/rules/override.ts';
import type { Store } from '../../store/store.ts';
import { HTTP_LIMITS } from '../limits.ts';
import type { Problem } from '../problem.ts';
import { badMoment } from './bad-field.ts';
import { iso } from './calls-json.ts';
import { orNull, PROBLEM } from './calls-schemas.ts';

/** Members of a body that forces something. */
export const FORCED_BODY = {
  until: Type.Optional(
    orNull(
      Type.String({
        maxLength: 40,
        description: 'ISO 8601 with a zone, in the future; without it until somebody ends it',
      }),
    ),
  ),
  reason: Type.Optional(
    orNull(
      Type.String({ maxLength: HTTP_LIMITS.reasonCharsMax, description: 'Why, for other people' }),
    ),
  ),
};

/** Of every request that forces something by its name. */
export const FORCING_SCHEMA = {
  tags: ['routes'],
  params: Type.Object({
    name: Type.String({ minLength: 1, maxLength: HTTP_LIMITS.paramCharsMax }),
  }),
} as const;

/** Why it may be refused. */
export const FORCING_REFUSED = { 400: PROBLEM, 404: PROBLEM, 422: PROBLEM } as const;

const time = Type.String({ format: 'date-time' });

/** Members of an answer about something forced. */
export const FORCED = {
  until: orNull(time),
  reason: orNull(Type.String()),
  by: orNull(Type.String({ description: 'Who did it' })),
  since: orNull(time),
};

export function forcedJson({ untilMs, reason, by, sinceMs }: Forced) {
  return {
    until: untilMs === null ? null : iso(untilMs),
    reason: reason ?? null,
    by: by ?? null,
    since: sinceMs === undefined ? null : iso(sinceMs),
  };
}

interface ForcedBody {
  until?: string | null;
  reason?: string | null;
}

/** What was asked for, or why it cannot be. */
export function readForced(
  { until = null, reason = null }: ForcedBody,
  now: number,
): { untilMs: number | null; reason: string | null } | { problem: Problem } {
  const untilMs = until === null ? null : readMoment(until);
  if (until !== null && untilMs === null) return { problem: badMoment('body', 'until', until) };
  if (untilMs !== null && untilMs <= now) return { problem: past(untilMs, now) };
  return { untilMs, reason: reason?.trim() || null };
}

type Kind = keyof Overrides;

/** What an earlier route set had may still be forced, and must be possible to end. */
export async function isStillForced(
  store: Pick<Store, 'setting'>,
  kind: Kind,
  name: string,
  now: number,
): Promise<boolean> {
  const { value } = await store.setting('overrides');
  return Object.hasOwn(unexpired(value, now)[kind], name);
}

/**
 * Forces one for all replicas; null ends what was forced. Resolves with what is forced then, and the
 * store's time of it.
 */
export async function changeForced<K extends Kind>(
  store: Pick<Store, 'changeSetting'>,
  kind: K,
  name: string,
  now: number,
  forced: Omit<NonNullable<Overrides[K]>[string], 'sinceMs'> | null,
): Promise<{ sinceMs: number; overrides: Overrides }> {
  let written = { sinceMs: now, overrides: {} as Overrides };
  await store.changeSetting('overrides', (before, storeNow) => {
    // A single clock must not end what was forced, because ours may be far ahead.
    const all = unexpired(before, Math.min(now, storeNow));
    const own: Record<string, unknown> = all[kind];
    if (forced === null) delete own[name];
    else own[name] = { ...forced, sinceMs: storeNow };
    written = { sinceMs: storeNow, overrides: stored(all) };
    return written.overrides;
  });
  return written;
}

/** Without what is over, so that the setting does not grow. */
function unexpired(value: unknown, now: number): Required<Overrides> {
  const { schedules, switches, targets } = overridesOf(value);
  return {
    schedules: Object.fromEntries(allInForce(schedules, now)),
    switches: Object.fromEntries(allInForce(switches, now)),
    targets: Object.fromEntries(allInForce(targets, now)),
  };
}

/** As the setting holds it: empty where nothing is forced. */
function stored(overrides: Required<Overrides>): Overrides {
  return Object.fromEntries(
    Object.entries(overrides).filter(([, forced]) => Object.keys(forced).length > 0),
  );
}

/** A name that the live route set does not have. */
export function unknownName(
  kind: 'schedule' | 'switch' | 'target',
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
