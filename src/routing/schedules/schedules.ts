/** Reads a schedule: weekly hours, closed and special days. Calendars: building/data.ts. */
import type { Schedule } from '../../core/rules/rule.ts';
import { dateOf, dayOf } from '../../core/rules/schedules/wall.ts';
import { isZone, offsetMs } from '../../core/rules/schedules/zone.ts';
import type { Positions } from '../decode/positions.ts';
import { quoted } from '../numbers/number.ts';
import type { Place, Problems } from '../problem.ts';
import type { WrittenDays, WrittenSchedule } from '../schema/schedule.ts';
import { readClosed, readSpecial } from './written-days.ts';
import { lastMinuteMissing, readOpen, type Trouble } from './written-times.ts';
import { fixedZone, zoneHint } from './zone-names.ts';

export function buildSchedule(
  name: string,
  written: WrittenSchedule,
  positions: Positions,
  nowMs: number,
  problems: Problems,
): Schedule {
  const schedule: Schedule = {
    name,
    zone: checkZone(written, positions, nowMs, problems),
    open: [],
    openSpans: [],
    closed: [],
    closedSpans: [],
    special: [],
  };
  for (const [index, text] of (written.open ?? []).entries()) {
    const read = readOpen(text);
    const at = positions.at(written.open ?? [], index);
    if ('problem' in read) {
      problems.problem(at, read.problem, read.hint);
      continue;
    }
    schedule.open.push(read);
    warnLastMinute(text, at, problems);
  }
  for (const { days } of readEach(written.closed, readClosed, positions, problems)) {
    for (const day of days) schedule.closed.push(day);
  }
  const special = readEach(written.special, readSpecial, positions, problems);
  for (const { days } of special) for (const day of days) schedule.special.push(day);
  checkOpen(name, written, positions, problems);
  checkContradictions(special, problems);
  checkPast(schedule, special, nowMs, problems);
  return schedule;
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

interface Read<T> {
  days: T[];
  at: Place;
}

/** Reads each entry, with the reason given beside it. */
function readEach<T extends object>(
  written: WrittenDays[] | undefined,
  read: (text: string) => { days: T[] } | Trouble,
  positions: Positions,
  problems: Problems,
): Read<T>[] {
  const entries = written ?? [];
  return entries.flatMap((entry, index) => {
    const place = positions.at(entries, index);
    if (typeof entry === 'string') return readOne(entry, place);
    const { days, because } = entry;
    const texts = typeof days === 'string' ? [{ text: days, at: positions.at(entry, 'days') }] : [];
    const listed = Array.isArray(days)
      ? days.map((text, number) => ({ text, at: positions.at(days, number) }))
      : texts;
    const found = listed.flatMap(({ text, at }) => readOne(text, at));
    return found.map((one) => ({ ...one, days: one.days.map((day) => ({ ...day, because })) }));
  });

  function readOne(text: string, at: Place): Read<T>[] {
    const found = read(text);
    if ('problem' in found) {
      problems.problem(at, found.problem, found.hint);
      return [];
    }
    warnLastMinute(text, at, problems);
    return [{ ...found, at }];
  }
}

function warnLastMinute(text: string, at: Place, problems: Problems): void {
  const missing = lastMinuteMissing(text);
  if (missing !== null) problems.warning(at, missing.problem, missing.hint);
}

function checkOpen(
  name: string,
  written: WrittenSchedule,
  positions: Positions,
  problems: Problems,
): void {
  const at = positions.at(written);
  const isThere = positions.has(written, 'open') || positions.has(written, 'open_ical');
  if (isThere || positions.hasUnknownKey(written)) return;
  problems.problem(
    at,
    `the schedule ${quoted(name)} has neither open nor open_ical`,
    'for example open: [ "mon-fri 09:00-17:30" ]',
  );
}

type Special = Read<Schedule['special'][number]>;

/** Several hours for one day add up; hours and `closed` for the same day contradict each other. */
function checkContradictions(special: readonly Special[], problems: Problems): void {
  const seen = new Map<string, { closed: boolean; at: Place }>();
  for (const entry of special) {
    for (const { date, days, times } of entry.days) {
      const closed = times === null;
      const key = `${date} ${days}`;
      const before = seen.get(key);
      if (before === undefined) seen.set(key, { closed, at: entry.at });
      else if (before.closed !== closed) {
        problems.problem(
          entry.at,
          `${date} is closed and also has hours: see ${before.at.file}:${before.at.line}`,
          'keep one of them; of several entries for a day the one for the fewest days wins',
        );
        break;
      }
    }
  }
}

/** Past dates do no harm, but if all are past, this year's were probably forgotten. */
function checkPast(
  { name, zone, special }: Schedule,
  [first]: readonly Special[],
  nowMs: number,
  problems: Problems,
): void {
  if (first === undefined || special.some(({ date }) => date.length === 5)) return;
  const today = dateOf(dayOf(nowMs + offsetMs(zone, nowMs)));
  const last = special.reduce((latest, { date }) => (date > latest ? date : latest), '');
  if (last >= today) return;
  problems.warning(
    first.at,
    `all special days of ${quoted(name)} are over: the last was ${last}`,
    'remove them, or write the next ones',
  );
}
