import { expect, test } from 'vitest';
import { isOpen, isOpenAt } from '../../../src/core/rules/schedules/schedule.ts';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const MAIN = `schedules: { o: { zone: America/New_York, open: [ "mon-sun 00:00-24:00" ], closed_ical: holidays.ics } }
rules: [ { name: r, when: { schedule: o }, do: [ hangup ] } ]
otherwise: [ hangup ]`;

function calendar(...events: string[]): string {
  const lines = events.map(
    (event, i) => `BEGIN:VEVENT\nUID:${/UID/.test(event) ? 'x' : i}\n${event}\nEND:VEVENT`,
  );
  return `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t\n${lines.join('\n')}\nEND:VCALENDAR\n`.replaceAll(
    '\n',
    '\r\n',
  );
}

async function openAt(ics: string, moments: string[]): Promise<boolean[]> {
  const result = await load({ 'main.yaml': MAIN, 'holidays.ics': ics });
  expect(problemsOf(result)).toEqual([]);
  const schedule = result.ok ? result.set.schedules.get('o') : undefined;
  if (schedule === undefined) throw new Error('no schedule');
  return moments.map((moment) => isOpenAt(schedule, Date.parse(moment), {}));
}

test("an all-day event closes the day of the schedule's zone", async () => {
  const ics = calendar(
    'DTSTART;VALUE=DATE:20260704\nDTEND;VALUE=DATE:20260705\nSUMMARY:Independence Day',
  );
  expect(
    await openAt(ics, [
      '2026-07-04T03:59:00Z',
      '2026-07-04T04:00:00Z',
      '2026-07-05T03:59:00Z',
      '2026-07-05T04:00:00Z',
    ]),
  ).toEqual([true, false, false, true]);
});

test('an all-day event without an end lasts its day', async () => {
  const ics = calendar('DTSTART;VALUE=DATE:20260704\nSUMMARY:x');
  expect(await openAt(ics, ['2026-07-04T12:00:00Z', '2026-07-05T12:00:00Z'])).toEqual([
    false,
    true,
  ]);
});

test('a weekly event keeps its wall time over the change of clocks, without the dates of EXDATE', async () => {
  const ics = calendar(
    'DTSTART;TZID=America/New_York:20260302T120000\nDTEND;TZID=America/New_York:20260302T130000\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE;TZID=America/New_York:20260316T120000',
  );
  // New York changes its clocks on 8 March 2026.
  expect(
    await openAt(ics, [
      '2026-03-02T17:30:00Z',
      '2026-03-09T16:30:00Z',
      '2026-03-09T17:30:00Z',
      '2026-03-16T16:30:00Z',
    ]),
  ).toEqual([false, false, true, true]);
});

test('times in UTC and of another zone are moments', async () => {
  const ics = calendar(
    'DTSTART:20260310T120000Z\nDTEND:20260310T130000Z',
    'DTSTART;TZID=Europe/Berlin:20260311T120000\nDURATION:PT1H',
  );
  expect(
    await openAt(ics, ['2026-03-10T12:30:00Z', '2026-03-11T11:30:00Z', '2026-03-11T12:30:00Z']),
  ).toEqual([false, false, true]);
});

test('a yearly holiday recurs, a cancelled event closes nothing', async () => {
  const ics = calendar(
    'DTSTART;VALUE=DATE:20101225\nRRULE:FREQ=YEARLY',
    'DTSTART;VALUE=DATE:20260401\nSTATUS:CANCELLED',
  );
  expect(
    await openAt(ics, ['2026-12-25T12:00:00Z', '2027-12-25T12:00:00Z', '2026-04-01T12:00:00Z']),
  ).toEqual([false, false, true]);
});

test.each([
  ['no calendar', 'hello', 'holidays.ics:1:1 not an iCal file'],
  ['an empty file', '', 'holidays.ics:1:1 not an iCal file: it has no VCALENDAR'],
  [
    'a line before the beginning',
    `SUMMARY:x\n${calendar('DTSTART;VALUE=DATE:20260704')}`,
    'holidays.ics:1:1 not an iCal file: a line is outside every BEGIN and END',
  ],
  [
    'a rule of which the whole file is not read',
    calendar('DTSTART;VALUE=DATE:20260704', 'DTSTART;VALUE=DATE:20260704\nRRULE:FREQ=SOMETIMES'),
    'holidays.ics:8:1 an event that cannot be read: invalid frequency "SOMETIMES"',
  ],
  [
    'a 99th of a 13th month',
    calendar('DTSTART;VALUE=DATE:20261399'),
    'holidays.ics:4:1 an event that cannot be read: DTSTART 2026-13-99 is not a date or time',
  ],
  [
    'an exception on a 30th of February',
    calendar('DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20260230'),
    'holidays.ics:4:1 an event that cannot be read: EXDATE 2026-02-30 is not a date or time',
  ],
  [
    'an end before the beginning',
    calendar('DTSTART:20260302T150000Z\nDTEND:20260302T140000Z'),
    'holidays.ics:4:1 an event that cannot be read: its DTEND is not after its DTSTART',
  ],
  [
    'a rule that never ends looking',
    calendar(
      'DTSTART:20260101T000000Z\nDTEND:20260101T010000Z\nRRULE:FREQ=DAILY;INTERVAL=9999999999',
    ),
    'holidays.ics:4:1 an event that cannot be read',
  ],
  [
    'a day that no month has',
    calendar(
      'DTSTART:20260101T000000Z\nDTEND:20260101T010000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    ),
    'holidays.ics:4:1 an event that cannot be read: its RRULE names a day that never comes',
  ],
  [
    'a weekday that a daily rule numbers',
    calendar('DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;BYDAY=5MO'),
    'holidays.ics:4:1 an event that cannot be read: its RRULE has BYDAY=5MO: FREQ=DAILY does not allow numbered weekdays',
  ],
  [
    'a month that no year has',
    calendar('DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=13'),
    'holidays.ics:4:1 an event that cannot be read: its RRULE has BYMONTH=13, not 1 to 12',
  ],
  [
    'a part of a rule that nobody knows',
    calendar('DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYEASTER=0'),
    'holidays.ics:4:1 an event that cannot be read: its RRULE has BYEASTER=0, which is not understood',
  ],
  [
    'a rule that recurs 0 times',
    calendar('DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=0'),
    'holidays.ics:4:1 an event that cannot be read: its RRULE has COUNT=0, which must be 1 or more',
  ],
  [
    'a rule that recurs -1 times without an UNTIL',
    calendar('DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=-1'),
    'holidays.ics:4:1 an event that cannot be read: its RRULE has COUNT=-1, which must be 1 or more',
  ],
  [
    'a rule with steps of 0 days',
    calendar('DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;INTERVAL=0'),
    'holidays.ics:4:1 an event that cannot be read: its RRULE has INTERVAL=0, not 1 to',
  ],
  [
    'a DURATION below 0',
    calendar('DTSTART:20260101T120000Z\nDURATION:-PT1H'),
    'holidays.ics:4:1 an event that cannot be read: its DTEND is not after its DTSTART',
  ],
  [
    'an abbreviation for a zone',
    calendar('DTSTART;TZID=BST:20260101T000000\nDURATION:PT1H'),
    'holidays.ics:4:1 an event that cannot be read: unknown time zone BST without a VTIMEZONE (an abbreviation is not a zone: did you mean Europe/London or Asia/Dhaka?)',
  ],
  [
    'a file cut short',
    calendar('DTSTART;VALUE=DATE:20260101').slice(0, -15),
    'holidays.ics:1:1 not an iCal file: it ends before END:VCALENDAR, so the file is incomplete',
  ],
  [
    'a day that no month has, three times',
    calendar('DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3'),
    'holidays.ics:4:1 an event that cannot be read: its RRULE names a day that never comes',
  ],
  [
    'every second of every day, by lists',
    calendar(
      `DTSTART:20260101T000000Z\nDURATION:PT1S\nRRULE:FREQ=DAILY;BYHOUR=${[...Array(24).keys()]};BYMINUTE=${[...Array(60).keys()]};BYSECOND=${[...Array(60).keys()]}`,
    ),
    'holidays.ics:4:1 an event that cannot be read: its RRULE recurs more than 50000 times',
  ],
  [
    'every second',
    calendar('DTSTART:20260101T000000Z\nDTEND:20260101T010000Z\nRRULE:FREQ=SECONDLY'),
    'holidays.ics:4:1 an event that cannot be read',
  ],
  [
    'an unknown zone',
    calendar('DTSTART;TZID=Nowhere:20260101T000000\nDTEND;TZID=Nowhere:20260101T010000'),
    'holidays.ics:4:1 an event that cannot be read: unknown time zone Nowhere without a VTIMEZONE',
  ],
])('%s is a problem at its line', async (_what, ics, expected) => {
  const result = await load({ 'main.yaml': MAIN, 'holidays.ics': ics });
  expect(problemsOf(result).filter((p) => !p.startsWith(expected))).toEqual([]);
  expect(result.ok).toBe(false);
});

test('an event is named in one line, however its summary is written', async () => {
  const long = `${'x'.repeat(199)}\u{1f384}`;
  const ics = calendar(
    'DTSTART;VALUE=DATE:20260704\nSUMMARY:  Independence\\n Day ',
    `DTSTART;VALUE=DATE:20260705\nSUMMARY:${long}`,
  );
  const result = await load({ 'main.yaml': MAIN, 'holidays.ics': ics });
  const schedule = result.ok ? result.set.schedules.get('o') : undefined;
  if (schedule === undefined) throw new Error('no schedule');
  const whyOn = (date: string) => isOpen(schedule, Date.parse(`${date}T12:00:00Z`), {}).why;
  expect(whyOn('2026-07-04')).toContain(': Independence Day is a closed time');
  expect(whyOn('2026-07-05')).toContain(`: ${'x'.repeat(199)}\ufffd is a closed time`);
});

test('a calendar that closes every day leaves a schedule that never opens', async () => {
  const ics = calendar('DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY');
  expect(warningsOf(await load({ 'main.yaml': MAIN, 'holidays.ics': ics }))).toEqual([
    '1:14 the schedule "o" never opens: its closed times cover its opening hours (rules that use it never match)',
  ]);
});

test('a calendar of opening hours that are over leaves a schedule that never opens', async () => {
  const main = MAIN.replace('"mon-sun 00:00-24:00"', '').replace('closed_ical', 'open_ical');
  const ics = calendar('DTSTART;VALUE=DATE:20260301');
  expect(warningsOf(await load({ 'main.yaml': main, 'holidays.ics': ics }))).toEqual([
    '1:14 the schedule "o" never opens: its opening hours are over (rules that use it never match)',
  ]);
});

test('a calendar without events is a warning', async () => {
  const result = await load({ 'main.yaml': MAIN, 'holidays.ics': calendar() });
  expect(warningsOf(result)).toEqual([
    'holidays.ics:1:1 the calendar contains no events (it closes nothing)',
  ]);
});
