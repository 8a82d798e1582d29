/**
 * What people write in place of `mon-fri 09:00-17:30`: `Monday to Friday 9 am - 5:30 pm`. It is not
 * accepted, because a file should say the same thing in one way, but the hint has what is meant.
 */
import { inAscii } from '../look-alikes.ts';

const DAY_WORDS: [words: RegExp, meant: string][] = [
  [/\b(?:every ?day|daily)\b/g, 'mon-sun'],
  [/\b(?:week ?days|working days)\b/g, 'mon-fri'],
  [/\bweek ?ends?\b/g, 'sat,sun'],
  [/\b(mon|tue|wed|thu|fri|sat|sun)(?:s|rs?|nes|ur)?(?:days?)?\b\.?/g, '$1'],
];
const TO = /\s*(?:-|\b(?:to|till|until|through)\b)\s*/g;
const AND = /\s*(?:[,;&+]|\band\b)\s*/g;

/** The days as a schedule names them; what is no day stays. */
export function meantDays(text: string): string {
  let days = inAscii(text).toLowerCase().trim();
  for (const [words, meant] of DAY_WORDS) days = days.replace(words, meant);
  return days.replace(TO, '-').replace(AND, ',');
}

/** `09:00-17:30` for `9-17.30` or `9am-5:30pm`; null if that is not clear. */
export function meantRange(text: string): string | null {
  const [from, to, ...more] = inAscii(text).toLowerCase().trim().replace(TO, '-').split('-');
  const start = clock(from);
  const end = clock(to);
  if (start === null || end === null || more.length > 0) return null;
  const fromMinute = start.minute === 1440 ? 0 : start.minute;
  // 9-5 is either a night or an afternoon.
  if (end.minute <= fromMinute && !end.isClear) return null;
  return `${written(fromMinute)}-${written(end.minute === 0 ? 1440 : end.minute)}`;
}

/** The entries that are meant by one, as `days times`: one for each range of times. */
export function meantEntries(text: string): string[] | null {
  const [, days, times] = /^(\D+?)[\s:]*(\d.*)$/.exec(inAscii(text).toLowerCase().trim()) ?? [];
  if (days === undefined || times === undefined) return null;
  const close = times.replace(TO, '-').replace(/(\d) ?(am|pm|h|uhr)\b/g, '$1$2');
  const ranges = close.replace(AND, ' ').split(/\s+/).map(meantRange);
  return ranges.includes(null) ? null : ranges.map((range) => `${meantDays(days)} ${range}`);
}

interface Clock {
  minute: number;
  /** It has minutes, or says whether it is morning or afternoon. */
  isClear: boolean;
}

function clock(text: string | undefined): Clock | null {
  const parts = /^(\d{1,2})(?:[:.h](\d{2}))?(am|pm|h|uhr)?$/.exec(text?.replaceAll(' ', '') ?? '');
  if (parts === null) return null;
  const [, hours = '', minutes, half] = parts;
  const isHalf = half === 'am' || half === 'pm';
  if (isHalf && (Number(hours) > 12 || Number(hours) === 0)) return null;
  const hour = isHalf ? (Number(hours) % 12) + (half === 'pm' ? 12 : 0) : Number(hours);
  const minute = hour * 60 + Number(minutes ?? 0);
  if (Number(minutes ?? 0) > 59 || minute > 1440) return null;
  return { minute, isClear: isHalf || minutes !== undefined };
}

function written(minute: number): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
