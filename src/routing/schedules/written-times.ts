/** Parses days of the week and times of day in a schedule: `mon-fri 09:00-17:30`. */
import type { Schedule } from '../../core/rules/rule.ts';
import { inAscii, lookAlike } from '../look-alikes.ts';
import { quoted } from '../numbers/number.ts';
import { didYouMean } from '../problem.ts';
import { meantDays, meantEntries, meantRange } from './meant-hours.ts';

export type Trouble = { problem: string; hint: string };
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const OPEN_HINT = 'for example "mon-fri 09:00-17:30" or "sat,sun 10:00-14:00"';

export function readOpen(text: string): Schedule['open'][number] | Trouble {
  return asTyped(text, readTypedOpen);
}

/**
 * Reports look-alike characters that no keyboard types, with the intended text: `mon–fri`, `9 –
 * 17`.
 */
export function asTyped<T extends object>(
  text: string,
  read: (text: string) => T | Trouble,
): T | Trouble {
  const found = read(text);
  if (!('problem' in found)) return found;
  const meant = inAscii(text)
    .trim()
    .replace(/\s*(\.\.|[-,])\s*/g, '$1')
    .replace(/\s+/g, ' ');
  if (meant === text || 'problem' in read(meant)) return found;
  const odd = lookAlike(text);
  return {
    problem: odd === null ? found.problem : `${quoted(text)} contains ${odd}`,
    hint: `write ${quoted(meant)}`,
  };
}

function readTypedOpen(text: string): Schedule['open'][number] | Trouble {
  const parts = /^(\S+)\s+(\S+)$/.exec(text.trim());
  if (parts === null)
    return { problem: `${quoted(text)} is not days and times`, hint: openHint(text) };
  const days = readDays(parts[1] ?? '');
  if ('problem' in days) return days;
  const times = readTimes(parts[2] ?? '');
  if ('problem' in times) return times;
  return { days: days.days, ...times };
}

function openHint(text: string): string {
  const meant = meantEntries(text) ?? [];
  const isClear = meant.length > 0 && meant.every((entry) => !('problem' in readTypedOpen(entry)));
  if (isClear) {
    const each = meant.length === 1 ? '' : 'an entry for each range of times: ';
    return `write ${each}${meant.map(quoted).join(', ')}`;
  }
  // Without quotes, YAML takes the commas within an entry for those between entries.
  return 'problem' in readDays(text)
    ? OPEN_HINT
    : 'the times are missing. An entry that contains commas needs quotes: "sat,sun 10:00-14:00"';
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
        hint: dayHint(text, unknown),
      };
    }
    const from = DAYS.indexOf(ends[0] ?? '');
    const to = DAYS.indexOf(ends[1] ?? ends[0] ?? '');
    // A range such as fri-mon crosses the end of the week.
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day + 1);
      if (day === to) break;
    }
  }
  return { days: [...days].sort((a, b) => a - b) };
}

function dayHint(text: string, unknown: string): string {
  const meant = meantDays(text);
  if (meant !== text && !('problem' in readDays(meant))) return `did you mean ${meant}?`;
  return didYouMean(unknown, DAYS) || OPEN_HINT;
}

export function readTimes(text: string): { fromMinute: number; toMinute: number } | Trouble {
  const parts = /^(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(text);
  if (parts === null) {
    const meant = meantRange(text);
    return {
      problem: `${quoted(text)} is not a time range`,
      hint: meant === null ? 'for example 09:00-17:30' : `write ${meant}`,
    };
  }
  const fromMinute = readTime(parts[1] ?? '');
  const toMinute = readTime(parts[2] ?? '');
  if (fromMinute === null || fromMinute === 1440) {
    return {
      problem: `${quoted(parts[1] ?? '')} is not a valid start time`,
      hint: 'from 00:00 to 23:59',
    };
  }
  if (toMinute === null)
    return { problem: `${quoted(parts[2] ?? '')} is not a time`, hint: 'from 00:00 to 24:00' };
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

/** `00:00-23:59` leaves out a minute of every day, because the end of a range is not included. */
export function lastMinuteMissing(text: string): Trouble | null {
  if (!/-\s*23:59\s*$/.test(text)) return null;
  return {
    problem: `${quoted(text)} leaves out the last minute of the day: the end is not included`,
    hint: `write ${quoted(text.trim().replace(/23:59$/, '24:00'))}`,
  };
}
