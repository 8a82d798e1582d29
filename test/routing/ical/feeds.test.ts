/** Calendars as real programs write them, with days worked out by hand from RFC 5545. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isOpenAt } from '../../../src/core/rules/schedules/schedule.ts';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/calendars/', import.meta.url));

async function statesOf(
  ics: Uint8Array | string,
  zone: string,
  moments: string[],
  only?: string | string[],
): Promise<{ states: Record<string, string>; warnings: string[] }> {
  const closed = only === undefined ? 'c.ics' : { file: 'c.ics', only };
  const main = `schedules: { o: { zone: ${zone}, open: [ "mon-sun 00:00-24:00" ], closed_ical: ${JSON.stringify(closed)} } }
rules: [ { name: r, when: { schedule: o }, do: [ hangup ] } ]
otherwise: [ hangup ]`;
  const result = await load({ 'main.yaml': main, 'c.ics': ics });
  expect(problemsOf(result)).toEqual([]);
  const schedule = result.ok ? result.set.schedules.get('o') : undefined;
  if (schedule === undefined) throw new Error('no schedule');
  const states = moments.map((moment) => [
    moment,
    isOpenAt(schedule, Date.parse(moment), {}) ? 'open' : 'closed',
  ]);
  return { states: Object.fromEntries(states), warnings: warningsOf(result) };
}

const MOVED = {
  '2026-02-05T12:00+01:00': 'closed',
  '2026-02-06T12:00+01:00': 'open',
  '2026-02-12T12:00+01:00': 'closed',
  '2026-02-19T12:00+01:00': 'open',
  '2026-02-20T12:00+01:00': 'closed',
  '2026-02-21T12:00+01:00': 'open',
  '2026-02-26T23:59+01:00': 'closed',
  '2026-03-05T12:00+01:00': 'open',
};

test.each<[file: string, zone: string, days: Record<string, string>]>([
  ['01-exchange-moved-day', 'Europe/Berlin', MOVED],
  ['01b-utc-recurrence-id', 'Europe/Berlin', MOVED],
  ['01c-cancelled-day', 'Europe/Berlin', { ...MOVED, '2026-02-20T12:00+01:00': 'open' }],
  [
    '03-until-utc-no-vtimezone',
    'Europe/Berlin',
    {
      '2026-02-02T09:29+01:00': 'open',
      '2026-02-02T09:30+01:00': 'closed',
      '2026-02-02T10:29+01:00': 'closed',
      '2026-02-02T10:30+01:00': 'open',
      '2026-02-09T10:00+01:00': 'open',
      '2026-02-16T10:00+01:00': 'closed',
      '2026-02-23T10:00+01:00': 'closed',
      '2026-03-02T10:00+01:00': 'open',
    },
  ],
  [
    '05-confluence-count-minus-one',
    'Europe/Berlin',
    {
      '2026-02-02T12:00+01:00': 'closed',
      '2026-02-06T12:00+01:00': 'closed',
      '2026-02-07T12:00+01:00': 'open',
      '2026-02-09T12:00+01:00': 'open',
      '2026-03-02T12:00+01:00': 'closed',
      '2026-03-30T12:00+02:00': 'closed',
      '2026-04-03T12:00+02:00': 'closed',
      '2026-04-27T12:00+02:00': 'open',
    },
  ],
  [
    '06-sequence',
    'Europe/Berlin',
    {
      '2026-02-10T12:00+01:00': 'open',
      '2026-02-12T12:00+01:00': 'closed',
      '2026-02-17T12:00+01:00': 'open',
    },
  ],
  [
    '07-date-without-value',
    'Europe/Berlin',
    {
      '2026-12-31T23:59+01:00': 'open',
      '2027-01-01T00:00+01:00': 'closed',
      '2027-01-01T23:59+01:00': 'closed',
      '2027-01-02T00:00+01:00': 'open',
    },
  ],
  [
    '08-orphan-override',
    'Europe/Berlin',
    { '2026-02-16T12:00+01:00': 'closed', '2026-02-17T12:00+01:00': 'open' },
  ],
  [
    '09-until-date',
    'Europe/Oslo',
    {
      '2026-02-02T18:30+01:00': 'closed',
      '2026-02-09T18:30+01:00': 'closed',
      '2026-02-16T18:30+01:00': 'closed',
      '2026-02-16T19:00+01:00': 'open',
      '2026-02-23T18:30+01:00': 'open',
    },
  ],
  [
    '10-tzid-est-with-vtimezone',
    'America/New_York',
    {
      '2026-07-02T11:59-04:00': 'open',
      '2026-07-02T12:00-04:00': 'closed',
      '2026-07-02T17:59-04:00': 'closed',
      '2026-07-02T18:00-04:00': 'open',
    },
  ],
  [
    '11-rdate-period',
    'Europe/Berlin',
    {
      '2026-02-02T19:00+01:00': 'closed',
      '2026-02-09T17:59+01:00': 'open',
      '2026-02-09T19:00+01:00': 'closed',
      '2026-02-09T20:00+01:00': 'open',
      '2026-02-16T19:00+01:00': 'open',
    },
  ],
  [
    '12-dtend-equals-dtstart',
    'Europe/Berlin',
    {
      '2026-02-15T23:59+01:00': 'open',
      '2026-02-16T00:00+01:00': 'closed',
      '2026-02-16T23:59+01:00': 'closed',
      '2026-02-17T00:00+01:00': 'open',
    },
  ],
  [
    '13-two-weekday-events',
    'America/Denver',
    {
      '2026-03-02T09:45-07:00': 'closed',
      '2026-03-02T09:50-07:00': 'open',
      '2026-03-02T12:30-07:00': 'closed',
      '2026-03-02T13:30-07:00': 'open',
      '2026-07-01T12:30-06:00': 'closed',
      '2026-07-01T16:30-06:00': 'closed',
      '2026-07-04T12:30-06:00': 'open',
      '2028-11-30T12:30-07:00': 'closed',
    },
  ],
  [
    '15-google-observance',
    'America/New_York',
    { '2027-01-18T12:00-05:00': 'closed', '2027-02-15T12:00-05:00': 'closed' },
  ],
  [
    '16-control-char',
    'America/New_York',
    { '2027-01-18T12:00-05:00': 'closed', '2027-01-19T12:00-05:00': 'open' },
  ],
  [
    '18-windows-tz-no-vtimezone',
    'America/New_York',
    {
      '2027-01-18T08:59-05:00': 'open',
      '2027-01-18T09:00-05:00': 'closed',
      '2027-01-18T11:59-05:00': 'closed',
      '2027-01-18T12:00-05:00': 'open',
    },
  ],
  [
    '20-empty-rrule',
    'America/New_York',
    { '2027-01-18T12:00-05:00': 'closed', '2027-01-19T12:00-05:00': 'open' },
  ],
  [
    '23-tabs-folding-utf8-split',
    'Europe/Berlin',
    { '2027-01-18T12:00+01:00': 'closed', '2027-01-19T12:00+01:00': 'open' },
  ],
])('%s, asked in %s', async (file, zone, days) => {
  const ics = await readFile(`${FIXTURES}${file}.ics`);
  const { states, warnings } = await statesOf(ics, zone, Object.keys(days));
  expect(states).toEqual(days);
  expect(warnings).toEqual(WARNINGS[file] ?? []);
});

const WARNINGS: Record<string, string[]> = {
  '05-confluence-count-minus-one': [
    'c.ics:4:1 COUNT=-1 is ignored: the event recurs until its UNTIL (remove it: COUNT must be 1 or more)',
  ],
  '08-orphan-override': [
    'c.ics:4:1 a changed event without its series: only its own time is used (export the calendar with the whole series)',
  ],
};

test('a day that Exchange names in UTC is found from wherever the schedule is', async () => {
  const ics = await readFile(`${FIXTURES}01b-utc-recurrence-id.ics`);
  for (const zone of ['America/Los_Angeles', 'UTC', 'Asia/Tokyo', 'Pacific/Auckland']) {
    const days = [19, 20].map((day) => `2026-02-${day}`);
    const { states } = await statesOf(
      ics,
      zone,
      days.map((day) => `${day}T${zone === 'UTC' || zone.startsWith('America') ? '20' : '01'}:00Z`),
    );
    expect([zone, ...Object.values(states)]).toEqual([zone, 'open', 'closed']);
  }
});

test('of days in a row the one is meant on which that moment is midnight', async () => {
  const weekly = await readFile(`${FIXTURES}01b-utc-recurrence-id.ics`, 'utf8');
  const daily = weekly.replace('FREQ=WEEKLY;COUNT=4;BYDAY=TH', 'FREQ=DAILY;COUNT=15');
  const days = {
    '2026-02-18T12:00-08:00': 'closed',
    '2026-02-19T12:00-08:00': 'open',
    '2026-02-20T12:00-08:00': 'closed',
  };
  const { states } = await statesOf(daily, 'America/Los_Angeles', Object.keys(days));
  expect(states).toEqual(days);
});

test.each<[only: string | string[], mlkDay: string, valentine: string]>([
  ['Public holiday', 'closed', 'open'],
  ['public HOLIDAY', 'closed', 'open'],
  ['observance', 'open', 'closed'],
  [['Public holiday', 'observance'], 'closed', 'closed'],
  ['To hide observances, go to Google Calendar Settings', 'open', 'closed'],
])('a calendar filtered by %j', async (only, mlkDay, valentine) => {
  const ics = await readFile(`${FIXTURES}15-google-observance.ics`);
  const days = { '2027-01-18T12:00-05:00': mlkDay, '2027-02-15T12:00-05:00': valentine };
  const { states } = await statesOf(ics, 'America/New_York', Object.keys(days), only);
  expect(states).toEqual(days);
});

test('a filter that no event passes is a warning', async () => {
  const ics = await readFile(`${FIXTURES}15-google-observance.ics`);
  const { warnings } = await statesOf(ics, 'America/New_York', [], 'Bank holiday');
  expect(warnings).toEqual([
    'c.ics:1:1 no event has "Bank holiday" in its summary, description or categories (it closes nothing: compare "only" with the text in the file)',
  ]);
});

/**
 * A calendar from lines: `#` begins an event; lines before the first one belong to the calendar
 * itself.
 */
function feed(text: string, newline = '\r\n'): string {
  const [head = '', ...events] = text.split('#\n');
  const lines = [
    'BEGIN:VCALENDAR',
    ...head.trim().split('\n'),
    ...events.flatMap((event) => ['BEGIN:VEVENT', ...event.trim().split('\n'), 'END:VEVENT']),
    'END:VCALENDAR',
    '',
  ];
  return lines.filter((line, index) => line !== '' || index === lines.length - 1).join(newline);
}

const EASTERN = `BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
`;

const BERLIN_WEEKLY = `#
UID:w
DTSTART;TZID=Europe/Berlin:20260302T093000
DTEND;TZID=Europe/Berlin:20260302T103000
RRULE:FREQ=WEEKLY;COUNT=6
SUMMARY:Weekly
`;

test.each<[what: string, ics: string, days: Record<string, string>, warnings?: string[]]>([
  [
    'an exception named by a date moves the instance of that day',
    `${BERLIN_WEEKLY}#
UID:w
RECURRENCE-ID;VALUE=DATE:20260309
DTSTART;TZID=Europe/Berlin:20260310T093000
DTEND;TZID=Europe/Berlin:20260310T103000`,
    { '2026-03-09T10:00+01:00': 'open', '2026-03-10T10:00+01:00': 'closed' },
  ],
  [
    'an exception named by another zone, over a change of clocks',
    `${BERLIN_WEEKLY}#
UID:w
RECURRENCE-ID;TZID=America/New_York:20260330T033000
STATUS:CANCELLED`,
    { '2026-03-30T10:00+02:00': 'open', '2026-04-06T10:00+02:00': 'closed' },
  ],
  [
    'an exception named by midnight of its day, as Exchange does',
    `${BERLIN_WEEKLY}#
UID:w
RECURRENCE-ID;TZID=Europe/Berlin:20260316T000000
STATUS:CANCELLED`,
    { '2026-03-16T10:00+01:00': 'open', '2026-03-23T10:00+01:00': 'closed' },
  ],
  [
    'a change of this and all later ones',
    `${BERLIN_WEEKLY}#
UID:w
RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260316T093000
DTSTART;TZID=Europe/Berlin:20260317T140000
DURATION:PT2H`,
    {
      '2026-03-09T10:00+01:00': 'closed',
      '2026-03-16T10:00+01:00': 'open',
      '2026-03-17T15:30+01:00': 'closed',
      '2026-03-23T10:00+01:00': 'open',
      '2026-03-31T15:30+02:00': 'closed',
      '2026-04-07T15:30+02:00': 'closed',
      '2026-04-14T15:30+02:00': 'open',
    },
  ],
  [
    'this and all later ones cancelled',
    `${BERLIN_WEEKLY}#
UID:w
RECURRENCE-ID;RANGE=THISANDFUTURE:20260316T083000Z
STATUS:CANCELLED`,
    { '2026-03-09T10:00+01:00': 'closed', '2026-03-16T10:00+01:00': 'open' },
  ],
  [
    'an exception of a time that its series does not have',
    `${BERLIN_WEEKLY}#
UID:w
RECURRENCE-ID;TZID=Europe/Berlin:20260311T093000
DTSTART;TZID=Europe/Berlin:20260312T093000
DURATION:PT1H`,
    { '2026-03-09T10:00+01:00': 'closed', '2026-03-12T10:00+01:00': 'closed' },
    [
      'c.ics:9:1 a changed event whose RECURRENCE-ID is not a time of its series: only its own time is used (export the calendar again)',
    ],
  ],
  [
    'an exception in two versions',
    `${BERLIN_WEEKLY}#
UID:w
SEQUENCE:3
RECURRENCE-ID;TZID=Europe/Berlin:20260309T093000
DTSTART;TZID=Europe/Berlin:20260311T093000
DURATION:PT1H
#
UID:w
SEQUENCE:1
RECURRENCE-ID;TZID=Europe/Berlin:20260309T093000
DTSTART;TZID=Europe/Berlin:20260310T093000
DURATION:PT1H`,
    {
      '2026-03-09T10:00+01:00': 'open',
      '2026-03-10T10:00+01:00': 'open',
      '2026-03-11T10:00+01:00': 'closed',
    },
  ],
  [
    'a cancelled series with its exceptions',
    `${BERLIN_WEEKLY.replace('SUMMARY', 'STATUS:CANCELLED\nSUMMARY')}#
UID:w
RECURRENCE-ID;TZID=Europe/Berlin:20260309T093000
DTSTART;TZID=Europe/Berlin:20260310T093000
DURATION:PT1H`,
    { '2026-03-02T10:00+01:00': 'open', '2026-03-10T10:00+01:00': 'open' },
  ],
  [
    'of one SEQUENCE the version modified last',
    `#
UID:v
LAST-MODIFIED:20260102T000000Z
DTSTART;VALUE=DATE:20260303
#
UID:v
LAST-MODIFIED:20260101T000000Z
DTSTART;VALUE=DATE:20260304`,
    { '2026-03-03T12:00+01:00': 'closed', '2026-03-04T12:00+01:00': 'open' },
  ],
  [
    'one UID for everything, as careless programs write it',
    `#
UID:1
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260303
#
UID:1
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260304
#
UID:
SEQUENCE:5
DTSTART;VALUE=DATE:20260305
#
UID:
DTSTART;VALUE=DATE:20260306`,
    {
      '2026-03-03T12:00+01:00': 'closed',
      '2026-03-04T12:00+01:00': 'closed',
      '2026-03-05T12:00+01:00': 'closed',
      '2026-03-06T12:00+01:00': 'closed',
    },
  ],
  [
    'a calendar that cancels',
    `METHOD:CANCEL
#
UID:v
DTSTART;VALUE=DATE:20260303`,
    { '2026-03-03T12:00+01:00': 'open' },
  ],
  [
    'exceptions by date, by list and by another zone',
    `#
UID:d
DTSTART;TZID=Europe/Berlin:20260302T093000
DURATION:PT1H
RRULE:FREQ=DAILY;UNTIL=20260308
EXDATE;VALUE=DATE:20260303
EXDATE;TZID=Europe/Berlin:20260304T093000,20260305T093000
EXDATE;TZID=America/New_York:20260306T033000
EXDATE:20260307T093000Z`,
    {
      '2026-03-02T10:00+01:00': 'closed',
      '2026-03-03T10:00+01:00': 'open',
      '2026-03-04T10:00+01:00': 'open',
      '2026-03-05T10:00+01:00': 'open',
      '2026-03-06T10:00+01:00': 'open',
      '2026-03-07T10:00+01:00': 'closed',
      '2026-03-08T10:00+01:00': 'closed',
      '2026-03-09T10:00+01:00': 'open',
    },
  ],
  [
    'exceptions of days, by time and by UTC',
    `#
UID:d
DTSTART;VALUE=DATE:20260302
RRULE:FREQ=DAILY;COUNT=5
EXDATE:20260303
EXDATE;TZID=Europe/Berlin:20260304T000000
EXDATE:20260304T230000Z`,
    {
      '2026-03-02T12:00+01:00': 'closed',
      '2026-03-03T12:00+01:00': 'open',
      '2026-03-04T12:00+01:00': 'open',
      '2026-03-05T12:00+01:00': 'open',
      '2026-03-06T12:00+01:00': 'closed',
      '2026-03-07T12:00+01:00': 'open',
    },
  ],
  [
    'days until a moment in UTC, as Exchange and as Google write it',
    `#
UID:a
DTSTART;VALUE=DATE:20260302
RRULE:FREQ=DAILY;UNTIL=20260303T230000Z
#
UID:b
DTSTART;VALUE=DATE:20260309
RRULE:FREQ=DAILY;UNTIL=20260310T225959Z
#
UID:c
DTSTART;VALUE=DATE:20260316
RRULE:FREQ=DAILY;UNTIL=20260317T000000Z`,
    {
      '2026-03-04T12:00+01:00': 'closed',
      '2026-03-05T12:00+01:00': 'open',
      '2026-03-10T12:00+01:00': 'closed',
      '2026-03-11T12:00+01:00': 'open',
      '2026-03-17T12:00+01:00': 'closed',
      '2026-03-18T12:00+01:00': 'open',
    },
  ],
  [
    'additional dates and periods',
    `#
UID:r
DTSTART;TZID=Europe/Berlin:20260302T180000
DURATION:PT1H
RDATE;TZID=Europe/Berlin:20260303T180000,20260304T180000
RDATE;VALUE=DATE:20260305
RDATE;VALUE=PERIOD:20260306T170000Z/PT3H`,
    {
      '2026-03-02T18:30+01:00': 'closed',
      '2026-03-03T18:30+01:00': 'closed',
      '2026-03-04T18:30+01:00': 'closed',
      '2026-03-04T19:30+01:00': 'open',
      '2026-03-05T18:30+01:00': 'closed',
      '2026-03-06T20:30+01:00': 'closed',
      '2026-03-06T21:30+01:00': 'open',
    },
  ],
  [
    'a first time that is none of the rule counts, as the first of COUNT',
    `#
UID:f
DTSTART;VALUE=DATE:20260303
RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3`,
    {
      '2026-03-03T12:00+01:00': 'closed',
      '2026-03-09T12:00+01:00': 'closed',
      '2026-03-16T12:00+01:00': 'closed',
      '2026-03-23T12:00+01:00': 'open',
    },
  ],
  [
    'the same times since 1970, and a rule that ended long ago',
    `#
UID:o
DTSTART;TZID=Europe/Berlin:19700101T120000
DURATION:PT1H
RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR
#
UID:p
DTSTART;TZID=Europe/Berlin:19700101T150000
DURATION:PT1H
RRULE:FREQ=DAILY;COUNT=20514
#
UID:q
DTSTART;TZID=Europe/Berlin:19700101T170000
DURATION:PT1H
RRULE:FREQ=DAILY;UNTIL=20200101T000000Z`,
    {
      '2026-03-02T12:30+01:00': 'closed',
      '2026-03-07T12:30+01:00': 'open',
      // The 20,514th day from 1970-01-01 on.
      '2026-03-01T15:30+01:00': 'closed',
      '2026-03-02T15:30+01:00': 'open',
      '2026-03-02T17:30+01:00': 'open',
    },
  ],
  [
    'the last Friday, the fifth Monday and the 29th of February',
    `#
UID:a
DTSTART;VALUE=DATE:20200131
RRULE:FREQ=MONTHLY;BYDAY=-1FR
#
UID:b
DTSTART;VALUE=DATE:20200330
RRULE:FREQ=MONTHLY;BYDAY=+5MO
#
UID:c
DTSTART;VALUE=DATE:20200229
RRULE:FREQ=YEARLY`,
    {
      '2026-03-27T12:00+01:00': 'closed',
      '2026-03-20T12:00+01:00': 'open',
      '2026-03-30T12:00+02:00': 'closed',
      '2026-04-27T12:00+02:00': 'open',
      '2027-03-01T12:00+01:00': 'open',
      '2028-02-29T12:00+01:00': 'closed',
    },
  ],
  [
    'a VTIMEZONE of its own name, in summer and winter',
    `${EASTERN}#
UID:z
DTSTART;TZID=Customized Time Zone:20260302T120000
DTEND;TZID=Customized Time Zone:20260302T130000
RRULE:FREQ=WEEKLY;UNTIL=20260316T160000Z`,
    {
      '2026-03-02T17:30Z': 'closed',
      '2026-03-02T16:30Z': 'open',
      // New York's clocks go forward on 8 March.
      '2026-03-09T16:30Z': 'closed',
      '2026-03-16T16:30Z': 'closed',
      '2026-03-23T16:30Z': 'open',
    },
  ],
  [
    'names of zones in quotes, of Windows, with a path before them, and in small letters',
    `#
UID:a
DTSTART;TZID="Pacific Standard Time":20260303T090000
DURATION:PT1H
#
UID:b
DTSTART;TZID=/mozilla.org/20050126_1/America/Los_Angeles:20260304T090000
DURATION:PT1H
#
UID:c
DTSTART;TZID=america/los_angeles:20260305T090000
DURATION:PT1H`,
    {
      '2026-03-03T09:30-08:00': 'closed',
      '2026-03-04T09:30-08:00': 'closed',
      '2026-03-05T09:30-08:00': 'closed',
      '2026-03-05T08:30-08:00': 'open',
    },
  ],
  [
    'a fixed zone without a VTIMEZONE',
    `#
UID:a
DTSTART;TZID=EST:20260702T120000
DURATION:PT1H`,
    { '2026-07-02T17:30Z': 'closed', '2026-07-02T16:30Z': 'open' },
    [
      'c.ics:1:1 EST is UTC-05:00 all year: it has no daylight saving time (America/New_York has it; if you mean a zone without it, write America/Panama)',
    ],
  ],
  [
    "times without a zone are read in the schedule's zone",
    `#
UID:a
DTSTART:20260303T090000
DTEND:20260303T100000`,
    { '2026-03-03T09:30+01:00': 'closed', '2026-03-03T10:30+01:00': 'open' },
  ],
  [
    "times without a zone are X-WR-TIMEZONE's, where it stands there; days are not",
    `X-WR-TIMEZONE:Eastern Standard Time
#
UID:a
DTSTART:20260303T090000
DTEND:20260303T100000
#
UID:b
DTSTART;VALUE=DATE:20260304`,
    {
      '2026-03-03T09:30+01:00': 'open',
      '2026-03-03T09:30-05:00': 'closed',
      '2026-03-04T00:30+01:00': 'closed',
      '2026-03-05T00:30+01:00': 'open',
    },
  ],
  [
    'an X-WR-TIMEZONE that nobody knows',
    `X-WR-TIMEZONE:Middle Earth
#
UID:a
DTSTART:20260303T090000
DTEND:20260303T100000`,
    { '2026-03-03T09:30+01:00': 'closed' },
    [
      "c.ics:3:1 X-WR-TIMEZONE Middle Earth is unknown: times without a zone are read in the schedule's zone (write an IANA name such as Europe/Dublin)",
    ],
  ],
  [
    'lengths: days by the clock, hours by the stopwatch, none',
    `#
UID:a
DTSTART;TZID=Europe/Berlin:20260328T120000
DURATION:P1D
#
UID:b
DTSTART;TZID=Europe/Berlin:20260328T130000
DURATION:PT24H
#
UID:c
DTSTART;VALUE=DATE:20260303
DURATION:P2D
#
UID:d
DTSTART;TZID=Europe/Berlin:20260310T120000`,
    {
      '2026-03-29T11:59+02:00': 'closed',
      // Across the clock change, 24 elapsed hours are 25 in local time.
      '2026-03-29T13:59+02:00': 'closed',
      '2026-03-29T14:00+02:00': 'open',
      '2026-03-04T23:59+01:00': 'closed',
      '2026-03-05T00:00+01:00': 'open',
      '2026-03-10T12:00+01:00': 'open',
    },
    ['c.ics:17:1 an event without a length has no time (give it a DTEND or a DURATION)'],
  ],
  [
    'transparent, tentative and free events close as well',
    `#
UID:a
TRANSP:TRANSPARENT
DTSTART;VALUE=DATE:20260303
#
UID:b
STATUS:TENTATIVE
X-MICROSOFT-CDO-BUSYSTATUS:FREE
DTSTART;VALUE=DATE:20260304`,
    { '2026-03-03T12:00+01:00': 'closed', '2026-03-04T12:00+01:00': 'closed' },
  ],
  [
    'an alarm inside of an event is none of its times',
    `#
UID:a
BEGIN:VALARM
TRIGGER:-PT15M
DURATION:PT5M
REPEAT:3
DESCRIPTION:soon
END:VALARM
DTSTART;VALUE=DATE:20260303`,
    { '2026-03-03T12:00+01:00': 'closed', '2026-03-04T12:00+01:00': 'open' },
  ],
  [
    'a description with a line break of its own',
    `#
UID:a
DESCRIPTION:One
and two
DTSTART;VALUE=DATE:20260303`,
    { '2026-03-03T12:00+01:00': 'closed' },
    ['c.ics:5:1 a line that is not a property was ignored (export the calendar again)'],
  ],
])('%s', async (_what, ics, days, warnings = []) => {
  const asked = await statesOf(feed(ics), 'Europe/Berlin', Object.keys(days));
  expect(asked).toEqual({ states: days, warnings });
});

test.each([
  ['LF', (text: string) => Buffer.from(text.replaceAll('\r\n', '\n'))],
  ['CR', (text: string) => Buffer.from(text.replaceAll('\r\n', '\r'))],
  ['a byte order mark', (text: string) => Buffer.from(`\ufeff${text}`)],
  ['small letters', (text: string) => Buffer.from(text.toLowerCase())],
  ['empty lines', (text: string) => Buffer.from(text.replaceAll('\r\n', '\r\n\r\n'))],
  ['two calendars', (text: string) => Buffer.from(`${text}${feed('')}`)],
  [
    'every character folded',
    (text: string) =>
      Buffer.concat(
        [...Buffer.from(text)].flatMap((byte, index, all) => {
          const inLine = byte !== 10 && byte !== 13 && index > 0 && all[index - 1] !== 10;
          return [Buffer.from(inLine ? '\r\n ' : ''), Buffer.from([byte])];
        }),
      ),
  ],
])('the same calendar with %s', async (_what, change) => {
  const ics = change(feed('#\nUID:a\nDTSTART;VALUE=DATE:20260303\nSUMMARY:Für alle 🎉'));
  const { states, warnings } = await statesOf(ics, 'Europe/Berlin', [
    '2026-03-03T12:00+01:00',
    '2026-03-04T12:00+01:00',
  ]);
  expect([...Object.values(states), ...warnings]).toEqual(['closed', 'open']);
});

test('a calendar in Windows-1252 is read, with a warning', async () => {
  const ics = Buffer.from(feed('#\nUID:a\nDTSTART;VALUE=DATE:20260303\nSUMMARY:Für'), 'latin1');
  const { states, warnings } = await statesOf(ics, 'Europe/Berlin', ['2026-03-03T12:00+01:00']);
  expect(Object.values(states)).toEqual(['closed']);
  expect(warnings).toEqual([
    'c.ics:1:1 not UTF-8 text: read as Windows-1252 (save the file as UTF-8)',
  ]);
});
