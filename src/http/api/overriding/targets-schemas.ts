/** The response schemas for targets and their rest. */
import { Type } from 'typebox';
import { orNull, time } from '../schemas.ts';
import { OVERRIDE_ASKED, OVERRIDE_MEMBERS } from './overrides.ts';

const text = Type.String();
const whole = Type.Integer({ minimum: 0 });
const override = orNull(
  Type.Object({
    on: Type.Boolean({ description: 'True: it rests; false: it is tried, even if it is down' }),
    ...OVERRIDE_MEMBERS,
  }),
);

export const TARGETS = Type.Object({
  targets: Type.Array(
    Type.Object({
      name: text,
      sip: text,
      resting: Type.Boolean({ description: 'Rules skip it while another target follows' }),
      why: orNull(text),
      since: orNull(time),
      next_try: orNull(
        Type.String({ format: 'date-time', description: 'When one caller tries it again' }),
      ),
      failures_in_row: whole,
      failed: Type.Integer({ minimum: 0, description: 'Failures of the last five minutes' }),
      attempts: Type.Integer({
        minimum: 0,
        description: 'Known attempts of the last five minutes; 0 without a failure',
      }),
      rest: Type.Enum(['on', 'off'], { description: 'What the routes say' }),
      override,
    }),
  ),
  refused_refers: Type.Array(Type.Object({ connection_id: text, target: text, until: time }), {
    description:
      'REFERs that were refused with 405: until this time, a transfer that follows is used at once',
  }),
});

export const REST_BODY = Type.Object(
  {
    on: Type.Optional(
      Type.Union([Type.Boolean(), Type.Null()], {
        default: true,
        description:
          'True (the default): it rests. False: it is kept awake. Null: neither, and its failures are forgotten',
      }),
    ),
    ...OVERRIDE_ASKED,
  },
  { additionalProperties: false },
);

export const RESTED = Type.Object({
  target: text,
  resting: Type.Boolean(),
  why: orNull(text),
  override,
});
