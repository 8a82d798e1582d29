/** Schedules now and soon, and overriding one. Overrides are in the store: all replicas obey. */
import { iso } from '../../../core/iso-time.ts';
import { inForce, type Overrides } from '../../../core/rules/override.ts';
import type { Schedule } from '../../../core/rules/rule.ts';
import { changes, closedBecause, isOpen } from '../../../core/rules/schedules/schedule.ts';
import { scheduleDays } from '../../../core/rules/schedules/schedule-week.ts';
import { currentOverrides } from '../../../store/current-overrides.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { OPERATOR, VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { operatorOf } from '../audit.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { PROBLEM } from '../schemas.ts';
import { schedulesCsv } from './override-csv.ts';
import {
  changeOverride,
  OVERRIDE_REFUSED,
  OVERRIDE_SCHEMA,
  type OverrideDeps,
  overrideJson,
  readOverride,
} from './overrides.ts';
import { OVERRIDE, OVERRIDE_BODY, SCHEDULES, SCHEDULES_QUERY } from './overrides-schemas.ts';

export function registerSchedules(app: ApiScope, deps: OverrideDeps): void {
  app.get('/v1/schedules', { schema: LIST_SCHEMA, config: VIEWER }, async (request, reply) => {
    const { days = null } = request.query;
    const overrides = await currentOverrides(deps.store);
    const now = deps.now();
    const schedules = [...deps.routes.current().schedules.values()].map((one) => ({
      ...scheduleJson(one, overrides, now),
      ...(days === null ? {} : { days: daysJson(one, overrides, now, days) }),
    }));
    return jsonOrCsv(request, reply, { now: iso(now), schedules }, schedulesCsv);
  });

  app.post(
    '/v1/schedules/:name/override',
    { schema: SCHEMA, config: { ...OPERATOR, action: 'schedule_override' } },
    async (request, reply) => {
      const { name } = request.params;
      const { schedules } = deps.routes.current();
      const { open } = request.body;
      const now = deps.now();
      const named = { kind: 'schedules', name, known: schedules, state: open } as const;
      const asked = await readOverride(deps.store, named, request.body, now);
      if ('problem' in asked) return sendProblem(reply, asked.problem);

      const by = operatorOf(request);
      const overridden = (sinceMs: number) =>
        open === null ? null : { open, ...overrideJson({ ...asked, sinceMs, by }) };
      const override = await deps.audit.record(
        request,
        { to: name, more: { override: overridden(now) } },
        async () => {
          const wanted = open === null ? null : { open, ...asked, by };
          const { sinceMs } = await changeOverride(deps.store, 'schedules', name, now, wanted);
          return overridden(sinceMs);
        },
        (written) => ({ more: { override: written } }),
      );
      return { schedule: name, override };
    },
  );
}

export function scheduleJson(schedule: Schedule, overrides: Overrides, now: number) {
  const { scheduleChangesMax, scheduleChangesDays } = HTTP_LIMITS;
  const soon = changes(schedule, now, scheduleChangesMax, overrides, scheduleChangesDays);
  return {
    name: schedule.name,
    zone: schedule.zone,
    ...isOpen(schedule, now, overrides),
    closed_because: closedBecause(schedule, now, overrides),
    override: scheduleOverrideJson(schedule, overrides, now),
    changes: soon.map(({ atMs, open, why }) => ({ at: iso(atMs), open, why })),
  };
}

/** Null: its hours decide. */
export function scheduleOverrideJson({ name }: Schedule, overrides: Overrides, now: number) {
  const override = inForce(overrides.schedules, name, now);
  return override === undefined ? null : { open: override.open, ...overrideJson(override) };
}

function daysJson(schedule: Schedule, overrides: Overrides, now: number, count: number) {
  const days = scheduleDays(schedule, now, count, overrides);
  if (days === null) return null;
  return days.map(({ date, fromMs, toMs, spans }) => ({
    date,
    from: iso(fromMs),
    to: iso(toMs),
    spans: spans.map((span) => ({
      from: iso(span.fromMs),
      to: iso(span.toMs),
      open: span.open,
      forced: span.forced,
      because: span.because,
    })),
  }));
}

const LIST_SCHEMA = {
  tags: ['routes'],
  summary: 'Every schedule: whether it is open, why, and when it opens and closes next',
  produces: JSON_OR_CSV,
  querystring: SCHEDULES_QUERY,
  response: { 200: SCHEDULES, 400: PROBLEM },
} as const;

const SCHEMA = {
  ...OVERRIDE_SCHEMA,
  summary: 'Force a schedule open or closed, on every replica',
  body: OVERRIDE_BODY,
  response: { 200: OVERRIDE, ...OVERRIDE_REFUSED },
} as const;
