/** Values of type DATE, DATE-TIME, PERIOD and DURATION (RFC 5545, section 3.3). */
import { isDate } from '../../core/iso-time.ts';
import { DAY_MS } from '../../core/rules/schedules/zone.ts';
import type { Property } from './content.ts';

/** A time as written; the instant that it stands for depends on a zone. */
export interface WrittenTime {
  /** Local time in milliseconds, counted as if it were UTC. */
  wallMs: number;
  /** True for a date without a time. */
  date: boolean;
  utc: boolean;
  tzid: string | null;
}

/** A length: calendar days in local time plus an exact number of milliseconds. */
export interface Length {
  days: number;
  ms: number;
}

export interface WrittenPeriod {
  time: WrittenTime;
  /** Only a PERIOD has an end. */
  end: WrittenTime | Length | null;
}

/** All values of a property; throws on the first invalid one. */
export function readTimes(property: Property): WrittenPeriod[] {
  return property.value
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => readPeriod(property, text));
}

function readPeriod(property: Property, text: string): WrittenPeriod {
  const slash = text.indexOf('/');
  if (slash < 0) return { time: readTime(property, text), end: null };
  const end = text.slice(slash + 1);
  return {
    time: readTime(property, text.slice(0, slash)),
    end: /^[+-]?P/i.test(end) ? readLength(end) : readTime(property, end),
  };
}

/**
 * Eight digits are a date, with or without VALUE=DATE; with VALUE=DATE a time is reduced to its
 * day.
 */
function readTime(property: Property, text: string): WrittenTime {
  const time = parseTime(text);
  if (time === null) {
    const shown = text.replace(/^(\d{4})(\d\d)(\d\d)/, '$1-$2-$3').slice(0, 40);
    throw new Error(`${property.name} ${shown} is not a date or time`);
  }
  const tzid = property.params.get('TZID')?.trim() || null;
  const date = time.date || property.params.get('VALUE')?.toUpperCase() === 'DATE';
  if (!date) return { ...time, tzid: time.utc ? null : tzid };
  return { wallMs: dayOf(time.wallMs), date, utc: false, tzid: null };
}

export function parseTime(text: string): Omit<WrittenTime, 'tzid'> | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?$/i.exec(text);
  if (parts === null || !isDate(`${parts[1]}-${parts[2]}-${parts[3]}`)) return null;
  const [hours, minutes, seconds] = parts.slice(4, 7).map((part) => Number(part ?? 0));
  const clock = ((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
  // Allows a leap second, and 240000, which some programs write for the end of a day.
  if ((minutes ?? 0) > 59 || (seconds ?? 0) > 60 || clock > 86_400) return null;
  const dayMs = Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T00:00:00Z`);
  return {
    wallMs: dayMs + clock * 1000,
    date: parts[4] === undefined,
    utc: parts[7] !== undefined,
  };
}

export function readLength(text: string): Length {
  const parts =
    /^([+-])?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,8})S)?)?$/i.exec(
      text.trim(),
    );
  if (parts === null) throw new Error(`DURATION ${text.slice(0, 40)} is not a duration`);
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts
    .slice(2)
    .map((part) => Number(part ?? 0));
  const sign = parts[1] === '-' ? -1 : 1;
  return {
    days: sign * (weeks * 7 + days),
    ms: sign * ((hours * 60 + minutes) * 60 + seconds) * 1000,
  };
}

/** Midnight of its day. */
export function dayOf(wallMs: number): number {
  return Math.floor(wallMs / DAY_MS) * DAY_MS;
}
