/** Overrides of schedules. They are in the store, so they apply to every replica. */
import { Type } from 'typebox';
import { notAMoment, readMoment } from '../../core/iso-time.ts';
import type { Overrides } from '../../core/rules/rule.ts';
import type { LiveRoutes } from '../../engine/live-routes.ts';
import type { Store } from '../../store/store.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { type Problem, sendProblem } from '../problem.ts';
import type { ApiScope } from './api.ts';
import type { Audit } from './audit.ts';
import { iso } from './calls-json.ts';
import { PROBLEM } from './calls-schemas.ts';
import { OVERRIDE, OVERRIDE_BODY } from './routes-schemas.ts';

export interface SchedulesDeps {
  routes: Pick<LiveRoutes, 'current'>;
  store: Pick<Store, 'changeSetting'>;
  audit: Audit;
  now: () => number;
}

export function registerSchedules(app: ApiScope, deps: SchedulesDeps): void {
  app.post('/v1/schedules/:name/override', { schema: SCHEMA }, async (request, reply) => {
    const { name } = request.params;
    const { schedules } = deps.routes.current();
    if (!schedules.has(name)) return sendProblem(reply, unknown(name, [...schedules.keys()]));
    const { open, until = null } = request.body;
    const now = deps.now();
    const untilMs = until === null ? null : readMoment(until);
    if (until !== null && untilMs === null) return sendProblem(reply, notATime(until));
    if (untilMs !== null && untilMs <= now) return sendProblem(reply, past(untilMs, now));

    await deps.store.changeSetting('overrides', (value, storeNow) => {
      // A single clock must not end an override, because ours may be far ahead.
      const overrides = unexpired((value ?? {}) as Overrides, Math.min(now, storeNow));
      if (open === null) delete overrides[name];
      else overrides[name] = { open, untilMs };
      return overrides;
    });
    const override = open === null ? null : { open, until: untilMs === null ? null : iso(untilMs) };
    deps.audit(request, 'schedule_override', { schedule: name, override });
    return { schedule: name, override };
  });
}

/** Removes expired overrides, so that the setting does not grow. */
function unexpired(overrides: Overrides, now: number): Overrides {
  return Object.fromEntries(
    Object.entries(overrides).filter(([, { untilMs }]) => untilMs === null || untilMs > now),
  );
}

function unknown(name: string, known: string[]): Problem {
  return {
    status: 404,
    reason: 'unknown_schedule',
    detail: `No schedule is called ${JSON.stringify(name.slice(0, 100))}; the live route set has ${known.length === 0 ? 'none' : known.join(', ')}.`,
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

const SCHEMA = {
  tags: ['routes'],
  summary: 'Force a schedule open or closed, on every replica',
  params: Type.Object({
    name: Type.String({ minLength: 1, maxLength: HTTP_LIMITS.paramCharsMax }),
  }),
  body: OVERRIDE_BODY,
  response: { 200: OVERRIDE, 400: PROBLEM, 404: PROBLEM, 422: PROBLEM },
} as const;
