/** The schema of schedules and switches. */
import Type, { type Static } from 'typebox';
import { oneOf, oneOrMore, STRICT, text } from './words.ts';

export const because = text('reason', {
  description: 'A word that rules can ask for: when: { closed_because: { office: holiday } }.',
  examples: ['holiday'],
  maxLength: 100,
});

/** A text, or an object with one or more texts and a reason. */
function dated(written: ReturnType<typeof text>, description: string) {
  const withReason = Type.Object(
    { days: oneOrMore(written, 'One entry or several.'), because },
    { title: 'days with a reason', ...STRICT },
  );
  return Type.Array(Type.Union([written, withReason]), { description });
}

const icalFile = text('iCal file under the routes folder', { examples: ['holidays.ics'] });
const only = Type.Optional(
  oneOrMore(
    text('text of an event', { examples: ['Public holiday'] }),
    'Only events with this text (or one of these) in their summary, description or categories; case is ignored.',
  ),
);
const openIcal = Type.Object(
  { file: icalFile, only },
  { title: 'iCal file with a filter', ...STRICT },
);
const closedIcal = Type.Object(
  { file: icalFile, only, because: Type.Optional(because) },
  { title: 'iCal file with a filter or a reason', ...STRICT },
);

export const schedule = Type.Object(
  {
    zone: text('IANA time zone', { examples: ['America/New_York', 'Europe/Dublin'] }),
    open: Type.Optional(
      Type.Array(text('days and times', { examples: ['mon-fri 09:00-17:30', 'sat 10:00-14:00'] }), {
        description:
          'Weekly opening hours; the end is exclusive, and 22:00-06:00 continues past midnight.',
      }),
    ),
    open_ical: Type.Optional(
      Type.Union(
        [icalFile, openIcal, Type.Array(Type.Union([icalFile, openIcal]), { minItems: 1 })],
        { description: 'Open during the events of these files, as well as in the hours of open.' },
      ),
    ),
    closed: Type.Optional(
      dated(
        text('date or range, with times for a part of the day', {
          examples: ['2026-12-25', '2026-12-24 13:00-24:00', '01-01', '2026-12-24..2027-01-01'],
        }),
        'Takes precedence over open; mm-dd is every year; both ends of a range are included.',
      ),
    ),
    closed_ical: Type.Optional(
      Type.Union(
        [icalFile, closedIcal, Type.Array(Type.Union([icalFile, closedIcal]), { minItems: 1 })],
        { description: 'Closed during the events of these files.' },
      ),
    ),
    special: Type.Optional(
      dated(
        text('date or range, then times, closed or open', {
          examples: ['2026-12-05 10:00-16:00', '2027-01-02 closed', '12-24..12-31 09:00-12:00'],
        }),
        'The hours of these days; takes precedence over open and closed.',
      ),
    ),
  },
  { title: 'schedule', ...STRICT },
);

export type WrittenSchedule = Static<typeof schedule>;
export type WrittenDays = NonNullable<WrittenSchedule['closed']>[number];

const ON_OFF = ['on', 'off'] as const;
export type OnOff = (typeof ON_OFF)[number] | boolean;

export const onOff = Type.Unsafe<OnOff>(
  Type.Union([oneOf('on or off', ON_OFF), Type.Boolean({ title: 'true or false' })]),
);

export function isOnWord(written: OnOff): boolean {
  return written === true || written === 'on';
}
