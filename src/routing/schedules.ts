/** Reads a schedule: weekly hours, closed dates and iCal files. */
import { isDate } from '../core/iso-time.ts';
import type { Schedule } from '../core/rules/rule.ts';
import { isZone } from '../core/rules/zone.ts';
import { inAscii, lookAlike } from './look-alikes.ts';
import { quoted } from './number.ts';
import type { Positions } from './positions.ts';
import { didYouMean, type Problems } from './problem.ts';
import type { WrittenSchedule } from './schema/schema.ts';
import { fixedZone, zoneHint } from './zone-names.ts';

export function buildSchedule(
  name: string,
  written: WrittenSchedule,
  positions: Positions,
  nowMs: number,
  problems: Problems,
): Schedule {
  const zone = checkZone(written, positions, nowMs, problems);
  const open: Schedule['open'] = [];
  for (const [index, text] of written.open.entries()) {
    const read = readOpen(text);
    if ('problem' in read)
      problems.problem(positions.at(written.open, index), read.problem, read.hint);
    else open.push(read);
  }
  const closed: Schedule['closed'] = [];
  for (const [index, text] of (written.closed ?? []).entries()) {
    const read = readClosed(text);
    if ('problem' in read) {
      problems.problem(positions.at(written.closed ?? [], index), read.problem, read.hint);
    } else closed.push(read);
  }
  return { name, zone, open, closed, closedSpans: [] };
}

function checkZone(
  written: WrittenSchedule,
  positions: Positions,
  nowMs: number,
  problems: Problems,
): string {
  const { zone } = written;
  const place = positions.at(written, 'zone');
  if (!isZone(zone)) {
    problems.problem(place, `unknown time zone ${quoted(zone)}`, zoneHint(zone));
    return 'UTC';
  }
  const fixed = fixedZone(zone, nowMs);
  if (fixed !== null) problems.warning(place, fixed.what, fixed.hint);
  return zone;
}

type Trouble = { problem: string; hint: string };
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const OPEN_HINT = 'for example "mon-fri 09:00-17:30" or "sat,sun 10:00-14:00"';

function readOpen(text: string): Schedule['open'][number] | Trouble {
  return asTyped(text, readTypedOpen);
}

/** What no keyboard types is named, with the text as it was meant: `mon–fri`, `9 – 17`. */
function asTyped<T extends object>(text: string, read: (text: string) => T | Trouble): T | Trouble {
  const found = read(text);
  if (!('problem' in found)) return found;
  const meant = inAscii(text)
    .trim()
    .replace(/\s*([-,])\s*/g, '$1')
    .replace(/\s+/g, ' ');
  if (meant === text || 'problem' in read(meant)) return found;
  const odd = lookAlike(text);
  return {
    problem: odd === null ? found.problem : `${quoted(text)} holds ${odd}`,
    hint: `write ${quoted(meant)}`,
  };
}

function readTypedOpen(text: string): Schedule['open'][number] | Trouble {
  const parts = /^(\S+)\s+(\S+)$/.exec(text.trim());
  if (parts === null) return { problem: `${quoted(text)} is not days and times`, hint: OPEN_HINT };
  const days = readDays(parts[1] ?? '');
  if ('problem' in days) return days;
  const times = readTimes(parts[2] ?? '');
  if ('problem' in times) return times;
  return { days: days.days, ...times };
}

function readDays(text: string): { days: number[] } | Trouble {
  const days = new Set<number>();
  for (const piece of text.toLowerCase().split(',')) {
    const ends = piece.split('-');
    const unknown =
      ends.find((day) => !DAYS.includes(day)) ?? (ends.length > 2 ? piece : undefined);
    if (unknown !== undefined) {
      return {
        problem: `unknown day ${quoted(unknown)}`,
        hint: didYouMean(DAYS.find((day) => unknown.startsWith(day)) ?? unknown, DAYS) || OPEN_HINT,
      };
    }
    const from = DAYS.indexOf(ends[0] ?? '');
    const to = DAYS.indexOf(ends[1] ?? ends[0] ?? '');
    // fri-mon goes over the end of the week.
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day + 1);
      if (day === to) break;
    }
  }
  return { days: [...days].sort((a, b) => a - b) };
}

function readTimes(text: string): { fromMinute: number; toMinute: number } | Trouble {
  const parts = /^(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(text);
  if (parts === null)
    return { problem: `${quoted(text)} is not a time range`, hint: 'for example 09:00-17:30' };
  const fromMinute = readTime(parts[1] ?? '');
  const toMinute = readTime(parts[2] ?? '');
  if (fromMinute === null || fromMinute === 1440) {
    return {
      problem: `${quoted(parts[1] ?? '')} is no time to begin at`,
      hint: 'from 00:00 to 23:59',
    };
  }
  if (toMinute === null)
    return { problem: `${quoted(parts[2] ?? '')} is no time`, hint: 'from 00:00 to 24:00' };
  if (fromMinute === toMinute) {
    return {
      problem: `${quoted(text)} is empty: the end is not included`,
      hint: 'the whole day is 00:00-24:00',
    };
  }
  if (toMinute > fromMinute) return { fromMinute, toMinute };
  return { fromMinute, toMinute: toMinute + 1440 };
}

function readTime(text: string): number | null {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  const minute = hours * 60 + minutes;
  return minutes > 59 || minute > 1440 ? null : minute;
}

function readClosed(text: string): Schedule['closed'][number] | Trouble {
  return asTyped(text, readTypedClosed);
}

function readTypedClosed(text: string): Schedule['closed'][number] | Trouble {
  const parts = /^((?:\d{4}-)?\d{2}-\d{2})(?:\s+(\S+))?$/.exec(text.trim());
  const date = parts?.[1];
  if (parts === null || date === undefined) {
    return {
      problem: `${quoted(text)} is not a date`,
      hint: 'yyyy-mm-dd, or mm-dd for every year, such as "2026-12-24 13:00-24:00"',
    };
  }
  if (!isClosedDate(date))
    return { problem: `${quoted(date)} is not in the calendar`, hint: 'yyyy-mm-dd, or mm-dd' };
  if (parts[2] === undefined) return { date, fromMinute: 0, toMinute: 1440 };
  const times = readTimes(parts[2]);
  return 'problem' in times ? times : { date, ...times };
}

/** A leap year stands in for "every year", so that 02-29 is a date. */
function isClosedDate(date: string): boolean {
  return isDate(date.length === 5 ? `2024-${date}` : date);
}
