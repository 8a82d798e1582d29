/** Parses dates in a schedule: `2026-12-25` or `12-24..01-06`, each followed by times or a word. */
import { isDate } from '../../core/iso-time.ts';
import type { Schedule } from '../../core/rules/rule.ts';
import { dateOf } from '../../core/rules/schedules/wall.ts';
import { DAY_MS } from '../../core/rules/schedules/zone.ts';
import { quoted } from '../numbers/number.ts';
import { meantRange } from './meant-hours.ts';
import { asTyped, readTimes, type Trouble } from './written-times.ts';

type Closure = Schedule['closed'][number];
type SpecialDay = Schedule['special'][number];

/** Days in one range; a longer one cannot be meant as an exception. */
const RANGE_DAYS_MAX = 3_660;

/** Closed days or parts of days, one entry per date. */
export function readClosed(text: string): { days: Closure[] } | Trouble {
  return asTyped(text, (typed) => {
    const read = readDated(typed, 'such as "2026-12-24 13:00-24:00"');
    if ('problem' in read) return read;
    const { dates, rest } = read;
    const times = rest === '' ? WHOLE_DAY : readTimes(rest);
    return 'problem' in times ? times : { days: dates.map((date) => ({ date, ...times })) };
  });
}

/** Days with special hours, one entry per date. */
export function readSpecial(text: string): { days: SpecialDay[] } | Trouble {
  return asTyped(text, (typed) => {
    const read = readDated(typed, 'such as "2026-12-05 10:00-16:00" or "2027-01-02 closed"');
    if ('problem' in read) return read;
    const { dates, rest } = read;
    const times = readHours(typed, rest);
    if (times !== null && 'problem' in times) return times;
    return { days: dates.map((date) => ({ date, times, days: dates.length })) };
  });
}

const WHOLE_DAY = { fromMinute: 0, toMinute: 1440 };

function readHours(text: string, rest: string): SpecialDay['times'] | Trouble {
  switch (rest.toLowerCase()) {
    case 'closed':
      return null;
    case 'open':
      return [WHOLE_DAY];
    case '':
      return {
        problem: `${quoted(text)} does not say what is special about the day`,
        hint: `write "${text.trim()} 10:00-16:00", or closed or open instead of the times`,
      };
    default: {
      const times = readTimes(rest);
      if (!('problem' in times)) return [times];
      return /\d/.test(rest)
        ? times
        : { ...times, hint: 'times such as 10:00-16:00, closed or open' };
    }
  }
}

const DATE = '(?:\\d{4}-)?\\d{2}-\\d{2}';
const DATED = new RegExp(`^(${DATE})(?:\\.\\.(${DATE}))?(?:\\s+(\\S+))?$`);
const MISTAKEN_RANGE = new RegExp(`^(${DATE})\\s*(?:-|to|\\.{1,3}|…)\\s*(${DATE})(.*)$`);

function readDated(text: string, such: string): { dates: string[]; rest: string } | Trouble {
  const trimmed = text.trim();
  const [, from, to, rest = ''] = DATED.exec(trimmed) ?? [];
  const entries = meantEntries(trimmed);
  if (entries !== null) {
    return {
      problem: `${quoted(text)} has several ranges of times`,
      hint: `write an entry for each: ${entries.map(quoted).join(', ')}`,
    };
  }
  if (from === undefined) {
    const [, first, last, after = ''] = MISTAKEN_RANGE.exec(trimmed) ?? [];
    return {
      problem: `${quoted(text)} is not a date`,
      hint:
        first === undefined
          ? dateHint(trimmed, such)
          : `write the range as "${first}..${last}${after}"`,
    };
  }
  const wrong = [from, to ?? from].find((date) => !isInCalendar(date));
  if (wrong !== undefined) {
    const meant = meantDate(wrong);
    return {
      problem: `${quoted(wrong)} is not a date that exists`,
      hint: meant === null ? 'yyyy-mm-dd, or mm-dd' : `did you mean ${meant}?`,
    };
  }
  const dates = to === undefined ? [from] : datesBetween(from, to);
  return 'problem' in dates ? dates : { dates, rest };
}

/** `2026-12-05 10:00-12:00, 13:00-16:00`: one entry for each range of times. */
function meantEntries(text: string): string[] | null {
  const [, dates, times = ''] = /^(\S+)\s+(.+)$/.exec(text) ?? [];
  if (dates === undefined || !/^\d\S*$/.test(dates)) return null;
  const ranges = times.split(/\s*(?:[,;&+]|\band\b)\s*/).map(meantRange);
  if (ranges.length < 2 || ranges.includes(null)) return null;
  return ranges.map((range) => `${dates} ${range}`);
}

function dateHint(text: string, such: string): string {
  const [, first = '', rest = ''] = /^(\S+)(.*)$/.exec(text) ?? [];
  const meant = meantDate(first);
  if (meant !== null && meant !== first) return `write "${meant}${rest}"`;
  if (!/\d/.test(text)) {
    return 'write its date, with the year if it moves: "2027-03-29". closed_ical names a calendar of holidays';
  }
  return `yyyy-mm-dd, or mm-dd for every year, ${such}`;
}

/**
 * The date in `24.12.2026`, `24.12.`, `2026/12/24`, `12/24/2026` or `24-12`. Null if it could be
 * two: only with dots does the day always come first.
 */
function meantDate(text: string): string | null {
  const [, before, first = '', second = '', after] =
    /^(?:(\d{4})[-./])?(\d{1,2})[-./](\d{1,2})(?:[-./]|[-./](\d{4}))?$/.exec(text) ?? [];
  const year = before ?? after;
  const monthFirst = [first, second];
  const dayFirst = [second, first];
  let orders = [dayFirst, monthFirst];
  if (before !== undefined) orders = [monthFirst];
  else if (text.includes('.')) orders = [dayFirst];
  const dates = orders
    .map((parts) => parts.map((part) => part.padStart(2, '0')).join('-'))
    .map((date) => (year === undefined ? date : `${year}-${date}`))
    .filter(isInCalendar);
  const [only] = dates;
  return only !== undefined && new Set(dates).size === 1 ? only : null;
}

/** Dates for every year are checked in a leap year, so that 02-29 is valid. */
function isInCalendar(date: string): boolean {
  return isDate(date.length === 5 ? `2024-${date}` : date);
}

/** Both ends are included. A range for every year may cross the end of the year. */
function datesBetween(from: string, to: string): string[] | Trouble {
  if (from.length !== to.length) {
    return {
      problem: `${quoted(`${from}..${to}`)} has a year at one end only`,
      hint: 'write both ends with a year, or both without',
    };
  }
  if (from.length === 5) {
    const first = dayOfLeapYear(from);
    const last = dayOfLeapYear(to);
    const year = Array.from({ length: 366 }, (_, day) => dateOf(LEAP_YEAR + day).slice(-5));
    return first <= last
      ? year.slice(first, last + 1)
      : [...year.slice(first), ...year.slice(0, last + 1)];
  }
  const first = Date.parse(`${from}T00:00:00Z`) / DAY_MS;
  const length = Date.parse(`${to}T00:00:00Z`) / DAY_MS - first + 1;
  if (length < 1) {
    return {
      problem: `${quoted(`${from}..${to}`)} ends before it begins`,
      hint: `write "${to}..${from}"`,
    };
  }
  if (length > RANGE_DAYS_MAX) {
    return {
      problem: `${quoted(`${from}..${to}`)} has ${length} days, more than ${RANGE_DAYS_MAX}`,
      hint: 'put hours that last so long into open',
    };
  }
  return Array.from({ length }, (_, day) => dateOf(first + day));
}

/** 2024-01-01 */
const LEAP_YEAR = Date.UTC(2024, 0, 1) / DAY_MS;

function dayOfLeapYear(date: string): number {
  return Date.parse(`2024-${date}T00:00:00Z`) / DAY_MS - LEAP_YEAR;
}
