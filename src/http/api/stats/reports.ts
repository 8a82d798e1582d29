/** Reports from the hourly sums, which are kept longer than calls. */
import { Type } from 'typebox';
import { REPORT_BY, REPORT_COMPARE, reportAsked } from '../../../core/history/report-asked.ts';
import { CALLER_OUTCOMES } from '../../../core/machine/caller-outcome.ts';
import { labelOf } from '../../../core/rules/label.ts';
import { isZone } from '../../../core/rules/schedules/zone.ts';
import type { LiveRoutes } from '../../../engine/live-routes.ts';
import { readReport } from '../../../store/read-report.ts';
import type { Store } from '../../../store/store.ts';
import { VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { badField, momentsIn } from '../bad-field.ts';
import { JSON_OR_CSV, jsonOrCsv } from '../csv.ts';
import { orNull, PROBLEM, time } from '../schemas.ts';
import { reportCsv } from './reports-csv.ts';

export interface ReportsDeps {
  store: Pick<Store, 'sums' | 'due'>;
  routes: Pick<LiveRoutes, 'current'>;
  now: () => number;
}

export function registerReports(app: ApiScope, { store, routes, now }: ReportsDeps): void {
  app.get('/v1/reports', { schema: SCHEMA, config: VIEWER }, async (request, reply) => {
    const { from, to, by = 'day', compare = null, zone = 'UTC' } = request.query;
    if (!isZone(zone)) return sendProblem(reply, badField('querystring', 'zone', notAZone(zone)));
    const span = momentsIn({ from, to });
    if ('problem' in span) return sendProblem(reply, span.problem);
    const given = { from: null, to: null, ...span.moments, by, compare, zone };
    // Calls have the store's time, which is ahead after the system clock was set back.
    const asked = reportAsked(given, Math.max(now(), (await store.due(1)).now));
    if ('problem' in asked) {
      return sendProblem(reply, badField('querystring', asked.field, asked.problem));
    }
    const live = routes.current();
    const report = await readReport(store, asked, (number) => labelOf(live, number));
    return jsonOrCsv(request, reply, report, reportCsv);
  });
}

function notAZone(zone: string): string {
  return `${JSON.stringify(zone.slice(0, 100))} is not an IANA time zone such as Europe/Berlin`;
}

const text = Type.String();
const whole = Type.Integer();

const NUMBERS = {
  calls: whole,
  outcomes: Type.Object(Object.fromEntries(CALLER_OUTCOMES.map((outcome) => [outcome, whole])), {
    description: 'Callers by outcome',
  }),
  reached_rate: orNull(
    Type.Number({ description: 'reached divided by reached + not_reached + unsure' }),
  ),
  attempts: whole,
  verdicts: Type.Record(text, whole, { description: 'Attempts by verdict' }),
  moves: Type.Integer({
    description:
      'REFERs and transfers that were sent, with those that the API of Telnyx refused and does not bill',
  }),
  costs: Type.Array(
    Type.Object({ currency: text, amount: Type.String({ description: 'Decimal text' }) }),
  ),
  median_verdict_ms: orNull(
    Type.Integer({ description: 'From the acceptance of an attempt to its verdict; within 5 %' }),
  ),
  p95_verdict_ms: orNull(whole),
};
const BEFORE = orNull(
  Type.Object(NUMBERS, { description: 'The same for the period compared with; null without one' }),
);

export const REPORT = Type.Object({
  from: time,
  to: time,
  zone: text,
  by: Type.Enum([...REPORT_BY]),
  compare: orNull(Type.Enum([...REPORT_COMPARE])),
  compared_with: orNull(Type.Object({ from: time, to: time })),
  total: Type.Object({ ...NUMBERS, before: BEFORE }),
  rows: Type.Array(
    Type.Object({
      key: orNull(
        Type.String({
          description:
            'An hour (UTC), a local day, a name, or `table:key` of a row; for a table that is looked up by the caller, only its name',
        }),
      ),
      label: Type.String({
        description:
          'The label of the number in `numbers` of the routes; otherwise the same as `key`, or a description if there is no name',
      }),
      ...NUMBERS,
      before: BEFORE,
    }),
  ),
});

const moment = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 40, description }));

const SCHEMA = {
  tags: ['calls'],
  summary: 'Callers in numbers, from hourly sums, compared with an earlier period',
  produces: JSON_OR_CSV,
  querystring: Type.Object(
    {
      from: moment('ISO 8601 time, rounded down to the hour; default: a week before `to`'),
      to: moment('ISO 8601 time, rounded up to the hour; default: now'),
      by: Type.Optional(Type.Enum([...REPORT_BY], { default: 'day' })),
      compare: Type.Optional(
        Type.Enum([...REPORT_COMPARE], {
          description:
            'previous: the period of the same length just before; week: the same days a week earlier',
        }),
      ),
      zone: Type.Optional(
        Type.String({ maxLength: 64, description: 'IANA time zone of the days', default: 'UTC' }),
      ),
    },
    { additionalProperties: false },
  ),
  response: { 200: REPORT, 400: PROBLEM },
} as const;
