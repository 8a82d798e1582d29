import { describe, expect, test } from 'vitest';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const schedule = (written: string) =>
  `schedules: { o: { zone: Europe/Berlin, ${written} } }
rules: [ { name: a, when: { schedule: o }, do: [ hangup ] } ]
otherwise: [ hangup ]
`;
const OPEN = 'open: [ "mon-fri 09:00-17:00" ]';

describe('the hint has the hours that are meant', () => {
  test.each([
    ['Monday to Friday 8:00 - 17:30', 'write "mon-fri 08:00-17:30"'],
    ['every day 9 am to 5 pm', 'write "mon-sun 09:00-17:00"'],
    ['Tues & Thurs 9:00-17:00', 'write "tue,thu 09:00-17:00"'],
    ['sat and sun: 10-14', 'write "sat,sun 10:00-14:00"'],
    [
      'mon-fri 08:00-12:00 14:00-18:00',
      'write an entry for each range of times: "mon-fri 08:00-12:00", "mon-fri 14:00-18:00"',
    ],
    [
      'mon-fri 8-12, 14-18',
      'write an entry for each range of times: "mon-fri 08:00-12:00", "mon-fri 14:00-18:00"',
    ],
    ['mon-fri 8-12', 'write 08:00-12:00'],
    ['mon-fri 8.30-12.00', 'write 08:30-12:00'],
    ['mon-fri 8am-12pm', 'write 08:00-12:00'],
    ['mon-fri 8pm-12am', 'write 20:00-24:00'],
    ['mon-fri 9-5pm', 'write 09:00-17:00'],
    ['Monday-Friday 08:00-12:00', 'did you mean mon-fri?'],
    ['weekdays 08:00-12:00', 'did you mean mon-fri?'],
    ['daily 08:00-12:00', 'did you mean mon-sun?'],
  ])('%s', async (text, hint) => {
    const [problem, ...others] = problemsOf(await load(schedule(`open: [ "${text}" ]`)));
    expect(problem).toContain(`(${hint})`);
    expect(others).toEqual([]);
  });

  test.each([
    ['mon-fri 9-5', 'for example 09:00-17:30'],
    ['mon-fri 0am-25', 'for example 09:00-17:30'],
    ['mon-fri 8-12-14', 'for example 09:00-17:30'],
    ['lunch', 'for example "mon-fri 09:00-17:30" or "sat,sun 10:00-14:00"'],
    ['holidays 9-12', 'known: mon, tue, wed, thu, fri, sat, sun'],
  ])('%s is not guessed', async (text, hint) => {
    expect(problemsOf(await load(schedule(`open: [ "${text}" ]`)))[0]).toContain(`(${hint})`);
  });

  test('days that a comma cut off', async () => {
    const result = await load(schedule('open: [ mon,tue 09:00-17:00 ]'));
    expect(problemsOf(result)).toEqual([
      '1:48 "mon" is not days and times (the times are missing. An entry that contains commas needs quotes: "sat,sun 10:00-14:00")',
    ]);
  });
});

describe('the hint has the date that is meant', () => {
  test.each([
    ['24.12.', 'write "12-24"'],
    ['3.10.2026', 'write "2026-10-03"'],
    ['24.12. 13:00-24:00', 'write "12-24 13:00-24:00"'],
    ['31/12/2026', 'write "2026-12-31"'],
    ['12/31', 'write "12-31"'],
    ['2026/12/24', 'write "2026-12-24"'],
    ['31-12', 'did you mean 12-31?'],
    ['1-1', 'write "01-01"'],
    ['Easter Monday', 'write its date, with the year if it moves: "2027-03-29".'],
    ['2026-12-24 1pm-6pm', 'write 13:00-18:00'],
  ])('%s', async (text, hint) => {
    const [problem, ...others] = problemsOf(await load(schedule(`${OPEN}, closed: [ "${text}" ]`)));
    expect(problem).toContain(`(${hint}`);
    expect(others).toEqual([]);
  });

  test.each(['10/03', '10/03/2026', '26-10-03', '02-30', '31.11.'])(
    '%s is not guessed',
    async (text) => {
      const result = await load(schedule(`${OPEN}, closed: [ "${text}" ]`));
      expect(problemsOf(result)[0]).toContain('(yyyy-mm-dd, or mm-dd');
    },
  );
});

test('hours that end at 23:59 leave out a minute', async () => {
  const result = await load(
    schedule('open: [ "mon-sun 00:00-23:59" ], closed: [ "12-24 13:00-23:59" ]'),
  );
  expect(problemsOf(result)).toEqual([]);
  expect(warningsOf(result)).toEqual([
    '1:48 "mon-sun 00:00-23:59" leaves out the last minute of the day: the end is not included (write "mon-sun 00:00-24:00")',
    '1:83 "12-24 13:00-23:59" leaves out the last minute of the day: the end is not included (write "12-24 13:00-24:00")',
  ]);
});
