/** The schemas of the statistics endpoints. */
import { Type } from 'typebox';
import { OVERRIDE_MEMBERS } from '../overriding/overrides.ts';
import { ENDS, OUTCOME, orNull, PHASE, time, VERDICT } from '../schemas.ts';

const text = Type.String();
const whole = Type.Integer();

export const STATS_QUERY = Type.Object(
  {
    since: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 40,
        description:
          'ISO 8601 time, rounded down to the minute; default: an hour ago; at most a day ago',
      }),
    ),
  },
  { additionalProperties: false },
);

const ARRIVALS = {
  moved: Type.Integer({ description: 'Callers with at least one attempt' }),
  arrived: Type.Integer({
    description:
      'Of those: a REFER completed or a transfer was bridged; unconfirmed does not count as arrived',
  }),
  not_arrived: Type.Integer({
    description: 'Of those, the callers who did not arrive and did not hang up first',
  }),
  arrival_rate: orNull(Type.Number({ description: 'arrived divided by arrived + not_arrived' })),
  attempts_per_call: orNull(
    Type.Number({
      description:
        'Attempts per caller moved, without those that called nobody: skipped, or Telnyx was not reached',
    }),
  ),
};

const BY_OUTCOME = Type.Array(Type.Object({ outcome: orNull(OUTCOME), count: whole }), {
  description: 'Callers by outcome; null: still live',
});

const ATTEMPTS = {
  by_verdict: Type.Array(
    Type.Object({
      verdict: orNull(VERDICT),
      count: whole,
    }),
  ),
  success_rate: orNull(
    Type.Number({ description: 'Share of completed among all but open and abandoned attempts' }),
  ),
  median_verdict_ms: orNull(Type.Integer({ description: 'From accepted to verdict' })),
};

const COSTS = Type.Array(
  Type.Object({ currency: text, amount: Type.String({ description: 'Decimal text' }) }),
  { description: 'What Telnyx charged so far, one sum for each currency' },
);

export const STATS = Type.Object({
  now: time,
  since: Type.String({
    format: 'date-time',
    description: 'Later than requested if there were more calls than are counted',
  }),
  live: Type.Object({
    total: whole,
    by_phase: Type.Array(Type.Object({ phase: PHASE, count: whole })),
  }),
  calls: Type.Object({
    total: whole,
    by_ends: Type.Array(Type.Object({ ends: orNull(ENDS), count: whole })),
    by_outcome: BY_OUTCOME,
    ...ARRIVALS,
    costs: COSTS,
  }),
  attempts: Type.Object({ total: whole, ...ATTEMPTS }),
  rules: Type.Array(
    Type.Object({
      rule: orNull(text),
      calls: whole,
      by_outcome: BY_OUTCOME,
      ...ARRIVALS,
      ...ATTEMPTS,
      costs: COSTS,
    }),
  ),
  targets: Type.Array(
    Type.Object({
      target: orNull(text),
      attempts: whole,
      ...ATTEMPTS,
      costs: Type.Array(COSTS.items, {
        description: 'For the calls that reached it, or were sent there last and reached nobody',
      }),
    }),
  ),
  tables: Type.Array(
    Type.Object({
      table: text,
      calls: whole,
      by_outcome: BY_OUTCOME,
      ...ARRIVALS,
      rows_used: Type.Integer({ description: 'Rows that decided at least one of these calls' }),
      rows: Type.Array(
        Type.Object({
          key: Type.String({ description: 'As the table has it: a number, or a prefix with `*`' }),
          calls: whole,
          by_outcome: BY_OUTCOME,
          ...ARRIVALS,
        }),
        { description: 'The 100 that decided most calls' },
      ),
    }),
    {
      description:
        'Callers of rules that found them in a table. A rule that asks for two tables counts in both',
    },
  ),
  minutes: Type.Array(Type.Object({ at: time, calls: whole, completed: whole, failed: whole })),
});

export const PROBLEMS = Type.Object({
  problems: Type.Array(
    Type.Object({
      kind: Type.String({ description: 'For example target.failing, or the name of a log event' }),
      severity: Type.Enum(['error', 'warning']),
      title: text,
      detail: orNull(text),
      fix: orNull(text),
      count: whole,
      first_at: orNull(time),
      last_at: orNull(time),
      target: orNull(text),
      forced: orNull(
        Type.Object(
          {
            name: text,
            state: Type.Enum(['open', 'closed', 'on', 'off', 'resting', 'awake']),
            ...OVERRIDE_MEMBERS,
          },
          {
            description:
              'Of schedule.forced, switch.forced and target.forced: what, until when, why, by whom',
          },
        ),
      ),
      replica: orNull(
        Type.String({ description: 'Null if the problem does not concern a single replica' }),
      ),
    }),
  ),
});
