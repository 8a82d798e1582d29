/** The schemas of the schedule and switch endpoints. */
import { Type } from 'typebox';
import { HTTP_LIMITS } from '../../limits.ts';
import { orNull, time } from '../schemas.ts';
import { OVERRIDE_ASKED, OVERRIDE_MEMBERS } from './overrides.ts';

const text = Type.String();
export const SCHEDULE_OVERRIDE = Type.Object({ open: Type.Boolean(), ...OVERRIDE_MEMBERS });

const SWITCH_OVERRIDE = Type.Object({ on: Type.Boolean(), ...OVERRIDE_MEMBERS });

export const SWITCH_LIST = Type.Array(
  Type.Object({
    name: text,
    on: Type.Boolean(),
    default: Type.Boolean(),
    override: orNull(SWITCH_OVERRIDE),
  }),
);

export const SWITCHES = Type.Object({ switches: SWITCH_LIST });

const SCHEDULE_DAY = Type.Object({
  date: Type.String({ description: 'In local time of its zone' }),
  from: time,
  to: time,
  spans: Type.Array(
    Type.Object({
      from: time,
      to: time,
      open: Type.Boolean(),
      forced: Type.Boolean({ description: 'An override decides instead of the hours' }),
      because: Type.Array(text, { description: 'Its reasons, if it is closed' }),
    }),
    { description: 'The whole day, without a gap. The past follows the hours' },
  ),
});

export const SCHEDULES_QUERY = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: HTTP_LIMITS.scheduleChangesDays,
        description: 'This many days one by one, today first; absent: none',
      }),
    ),
  },
  { additionalProperties: false },
);

export const SCHEDULES = Type.Object({
  now: time,
  schedules: Type.Array(
    Type.Object({
      name: text,
      zone: text,
      open: Type.Boolean(),
      why: text,
      closed_because: Type.Array(text, { description: 'Its reasons, while it is closed' }),
      override: orNull(SCHEDULE_OVERRIDE),
      changes: Type.Array(Type.Object({ at: time, open: Type.Boolean(), why: text }), {
        description: 'When it opens and closes in the next two weeks',
      }),
      days: Type.Optional(
        orNull(
          Type.Array(SCHEDULE_DAY, {
            description: 'Null if it opens and closes too often to be shown',
          }),
        ),
      ),
    }),
  ),
});

export const OVERRIDE_BODY = Type.Object(
  {
    open: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'Force open or closed; null ends the override',
    }),
    ...OVERRIDE_ASKED,
  },
  { additionalProperties: false },
);

export const OVERRIDE = Type.Object({ schedule: text, override: orNull(SCHEDULE_OVERRIDE) });

export const SWITCH_BODY = Type.Object(
  {
    on: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'Turn on or off; null goes back to the default',
    }),
    ...OVERRIDE_ASKED,
  },
  { additionalProperties: false },
);

export const TURNED = Type.Object({
  switch: text,
  on: orNull(Type.Boolean({ description: 'Null: the live route set does not have it' })),
  default: orNull(Type.Boolean()),
  override: orNull(SWITCH_OVERRIDE),
});
