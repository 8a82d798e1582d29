/** The shapes of the endpoints that count. */
import { Type } from 'typebox';
import { ENDS, orNull, PHASE, VERDICT } from './calls-schemas.ts';

const text = Type.String();
const time = Type.String({ format: 'date-time' });
const whole = Type.Integer();
const numberOrNull = orNull(Type.Number());

export const STATS_QUERY = Type.Object(
  {
    since: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 40,
        description: 'ISO 8601 time, cut to the minute; default an hour ago, not before a day ago',
      }),
    ),
  },
  { additionalProperties: false },
);

const ARRIVALS = {
  moved: Type.Integer({ description: 'Callers with at least one attempt' }),
  arrived: Type.Integer({
    description:
      'Of those: a REFER completed or a transfer was bridged; unconfirmed is not arrived',
  }),
  not_arrived: Type.Integer({
    description: 'Of those: over without; callers who left first are in neither',
  }),
  arrival_rate: orNull(Type.Number({ description: 'arrived of arrived and not_arrived' })),
  attempts_per_call: numberOrNull,
};

const ATTEMPTS = {
  by_verdict: Type.Array(
    Type.Object({
      verdict: orNull(VERDICT),
      count: whole,
    }),
  ),
  success_rate: orNull(Type.Number({ description: 'Completed of all but open and abandoned' })),
  median_verdict_ms: orNull(Type.Integer({ description: 'From accepted to the verdict' })),
};

const COSTS = Type.Array(
  Type.Object({ currency: text, amount: Type.String({ description: 'Decimal text' }) }),
  { description: 'What Telnyx charged so far, one sum for each currency' },
);

export const STATS = Type.Object({
  now: time,
  since: Type.String({
    format: 'date-time',
    description: 'Later than asked for where more calls came than are counted',
  }),
  live: Type.Object({
    total: whole,
    by_phase: Type.Array(Type.Object({ phase: PHASE, count: whole })),
  }),
  calls: Type.Object({
    total: whole,
    by_ends: Type.Array(Type.Object({ ends: orNull(ENDS), count: whole })),
    ...ARRIVALS,
    costs: COSTS,
  }),
  attempts: Type.Object({ total: whole, ...ATTEMPTS }),
  rules: Type.Array(
    Type.Object({ rule: orNull(text), calls: whole, ...ARRIVALS, ...ATTEMPTS, costs: COSTS }),
  ),
  targets: Type.Array(
    Type.Object({
      target: orNull(text),
      attempts: whole,
      ...ATTEMPTS,
      costs: Type.Array(COSTS.items, {
        description: 'Of the calls that reached it, or were sent there last and reached nobody',
      }),
    }),
  ),
  minutes: Type.Array(Type.Object({ at: time, calls: whole, completed: whole, failed: whole })),
});

export const PROBLEMS = Type.Object({
  problems: Type.Array(
    Type.Object({
      kind: Type.String({ description: 'Such as target.failing or the name of a log event' }),
      severity: Type.Enum(['error', 'warning']),
      title: text,
      detail: orNull(text),
      fix: orNull(text),
      count: whole,
      first_at: orNull(time),
      last_at: orNull(time),
      target: orNull(text),
      replica: orNull(
        Type.String({ description: 'Null where it is not the matter of one replica' }),
      ),
    }),
  ),
});
