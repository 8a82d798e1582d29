/** The schemas of the call endpoints, for validation and the OpenAPI document. */
import { Type } from 'typebox';
import { CALLER_OUTCOMES } from '../../../core/machine/caller-outcome.ts';
import { VERDICTS } from '../../../core/machine/verdict.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { ENDS, LEGS, OUTCOME, orNull, PHASE, REASON, TRACE, time, VERDICT } from '../schemas.ts';

const text = Type.String();
const textOrNull = orNull(text);
const timeOrNull = orNull(time);
const NAME = { minLength: 1, maxLength: 256 };
const name = Type.String(NAME);
const ASKED_VERDICT = Type.Enum([...VERDICTS, 'failed'], {
  description: 'of an attempt; failed: every verdict that means failure',
});

export const CALLS_QUERY = Type.Object(
  {
    q: Type.Optional(
      Type.String({
        maxLength: 256,
        description:
          'Part of what a call is known by: at least four digits of a number of either side (also as it is dialled nationally), an address, the beginning of the call_control_id, the label of our number, a rule (or `otherwise`), a target',
      }),
    ),
    outcome: Type.Optional(OUTCOME),
    number: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'Our number: the one that was called, or that called',
      }),
    ),
    direction: Type.Optional(Type.Enum(['incoming', 'outgoing'])),
    phase: Type.Optional(PHASE),
    rule: Type.Optional(
      Type.String({
        ...NAME,
        description:
          'Name of a rule, or `otherwise` for the calls that were decided without one: `rule` is null and `decided` is true',
      }),
    ),
    target: Type.Optional(name),
    verdict: Type.Optional(ASKED_VERDICT),
    ends: Type.Optional(ENDS),
    from: Type.Optional(name),
    to: Type.Optional(name),
    session: Type.Optional(name),
    since: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 40,
        description: 'ISO 8601 time: calls created at or after it',
      }),
    ),
    until: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 40,
        description: 'ISO 8601 time: calls created before it',
      }),
    ),
    legs: LEGS,
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: HTTP_LIMITS.callsPageMax,
        default: HTTP_LIMITS.callsPageDefault,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 512, description: '`next` from the previous page' }),
    ),
  },
  { additionalProperties: false },
);

const ADVICE = orNull(Type.Object({ meaning: text, cause: text, fix: text }));

const ATTEMPT = Type.Object({
  id: text,
  kind: Type.Enum(['refer', 'transfer']),
  target: textOrNull,
  sip_address: text,
  verdict: orNull(VERDICT),
  sip_notify_response: orNull(Type.Integer()),
  reason: textOrNull,
  never_sent: Type.Boolean({
    description: 'Nothing of it reached Telnyx: its reason says what stopped it',
  }),
  progress: Type.Boolean(),
  final: Type.Boolean(),
  manual: Type.Boolean(),
  started_at: time,
  accepted_at: timeOrNull,
  ended_at: timeOrNull,
  b_leg: textOrNull,
  advice: ADVICE,
});

const COST = Type.Object({
  amount: Type.String({ description: 'Decimal text: the exact sum of the parts' }),
  currency: Type.String({ description: 'ISO 4217' }),
  parts: Type.Array(Type.Object({ part: text, amount: text })),
});

const SUMMARY_FIELDS = {
  call_control_id: text,
  call_session_id: textOrNull,
  from: textOrNull,
  to: textOrNull,
  direction: orNull(Type.Enum(['incoming', 'outgoing'])),
  phase: PHASE,
  ends: orNull(ENDS),
  outcome: orNull(
    Type.Enum([...CALLER_OUTCOMES], {
      description: 'The outcome for the caller; null while the call is live, and for a B-leg',
    }),
  ),
  summary: Type.String({ description: 'The same in one sentence, also for a live call' }),
  label: orNull(
    Type.String({
      description: 'The label of the number that was called, from `numbers` of the routes',
    }),
  ),
  rule: orNull(Type.String({ description: 'null for `otherwise`, and while `decided` is false' })),
  rows: Type.Array(Type.Object({ table: text, key: text }), {
    description: 'The table rows in which the rule found the call',
  }),
  route_set: textOrNull,
  decided: Type.Boolean(),
  answered: Type.Boolean({
    description:
      'Telnyx reported the answer, or executed something that only an answered call can have',
  }),
  created_at: time,
  ended_at: timeOrNull,
  parent_call_control_id: orNull(
    Type.String({ description: "The caller's call, if this is the B-leg of a transfer" }),
  ),
  cost: orNull(
    Type.Object(COST.properties, {
      description: 'What Telnyx charged for the call and its B-legs; null until it is reported',
    }),
  ),
  other_costs: Type.Array(COST, { description: 'The same in other currencies; usually empty' }),
  attempts: Type.Array(ATTEMPT),
};

export const CALL_SUMMARY = Type.Object(SUMMARY_FIELDS);

export const CALL_DETAIL = Type.Object({
  ...SUMMARY_FIELDS,
  call_leg_id: textOrNull,
  connection_id: textOrNull,
  caller_name: textOrNull,
  caller_type: textOrNull,
  attestation: textOrNull,
  attestation_validated: Type.Boolean(),
  headers: Type.Array(Type.Object({ name: text, value: text })),
  tags: Type.Array(text),
  legs: Type.Array(CALL_SUMMARY, { description: 'The B-legs of its transfers, newest first' }),
  plan: Type.Array(text),
  refer_refused: orNull(
    Type.Enum(['call_ended', 'call_being_moved'], {
      description: 'Why a manual refer would be answered 409 now',
    }),
  ),
  running: textOrNull,
  deadlines: Type.Array(Type.Object({ name: text, due_at: time })),
  timeline: Type.Array(
    Type.Object({
      id: text,
      source: text,
      type: text,
      at: time,
      occurred_at: timeOrNull,
      phase_before: textOrNull,
      phase: text,
      notes: Type.Array(text),
      commands: Type.Array(Type.Object({ id: text, action: text, attempt: textOrNull })),
      attempt: orNull(Type.String({ description: 'id of the attempt that the event belongs to' })),
      recovered: Type.Boolean({
        description: 'Missed when it happened, and found later among Telnyx’s failed deliveries',
      }),
      detail: Type.Record(text, Type.Union([text, Type.Number(), Type.Boolean(), Type.Null()])),
      advice: ADVICE,
      trace: orNull(TRACE),
    }),
  ),
  trace: TRACE,
});

export const CALLS_PAGE = Type.Object({ calls: Type.Array(CALL_SUMMARY), next: textOrNull });

export const REFER_BODY = Type.Object(
  {
    target: Type.Optional(name),
    sip_address: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    reason: REASON,
  },
  {
    additionalProperties: false,
    description: 'Either a target of the route set or a SIP address that the policy allows.',
  },
);

export const REFER_ACCEPTED = Type.Object({
  /** `started_at` is null while the call is being answered first. */
  attempt: Type.Object({ ...ATTEMPT.properties, started_at: timeOrNull }),
  call: CALL_SUMMARY,
});

export const ACTED = Type.Object({ call: CALL_SUMMARY });
