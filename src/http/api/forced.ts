/** What forcing a schedule, a switch and a target have in common: until when, why, and by whom. */
import { Type } from 'typebox';
import { notAMoment, readMoment } from '../../core/iso-time.ts';
import { allInForce, type Forced, type Overrides } from '../../core/rules/override.ts';
import type { Problem } from '../problem.ts';
import { iso } from './calls-json.ts';
import { orNull } from './calls-schemas.ts';

const REASON_CHARS_MAX = 200;

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
    orNull(Type.String({ maxLength: REASON_CHARS_MAX, description: 'Why, for other people' })),
  ),
};

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
  if (until !== null && untilMs === null) return { problem: notATime(until) };
  if (untilMs !== null && untilMs <= now) return { problem: past(untilMs, now) };
  return { untilMs, reason: reason?.trim() || null };
}

/** Without what is over, so that the setting does not grow. */
export function unexpired(value: unknown, now: number): Required<Overrides> {
  const { schedules, switches, targets } = (value ?? {}) as Overrides;
  return {
    schedules: Object.fromEntries(allInForce(schedules, now)),
    switches: Object.fromEntries(allInForce(switches, now)),
    targets: Object.fromEntries(allInForce(targets, now)),
  };
}

/** As the setting holds it: empty where nothing is forced. */
export function stored(overrides: Required<Overrides>): Overrides {
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

function notATime(until: string): Problem {
  const { problem, hint } = notAMoment(until);
  return {
    status: 400,
    reason: 'invalid_body',
    field: 'until',
    detail: `body field "until": ${problem}; ${hint}`,
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
