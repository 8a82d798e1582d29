/** The zones of one calendar: what its TZIDs, X-WR-TIMEZONE and own VTIMEZONEs mean. */
import { atOnce } from '../../core/rules/at-once.ts';
import { DAY_MS, isZone, offsetMs } from '../../core/rules/schedules/zone.ts';
import { zoneOfWindowsName } from '../schedules/windows-zones.ts';
import { zoneHint } from '../schedules/zone-names.ts';
import { type Component, propertiesOf, propertyOf } from './content.ts';
import { expandRule, readRule, type Span } from './recurrence.ts';
import { readTimes } from './time.ts';

export interface WallZone {
  /**
   * The first of the two instants if clocks go back; in the gap when they go forward, the offset
   * from before the change is used.
   */
  momentOf(wallMs: number): number;
  wallOf(atMs: number): number;
}

export interface CalendarZones {
  /** The zone of whole days: the schedule's. */
  days: WallZone;
  /** The zone of times without one: X-WR-TIMEZONE, else the schedule's. */
  floating: WallZone;
  /** An unknown X-WR-TIMEZONE. */
  unknown: string | null;
  /** TZIDs that were resolved to IANA zones. */
  used: Set<string>;
  /** All zones that a time may be meant in, the likeliest first. */
  all: WallZone[];
  /** Throws if the zone is unknown. */
  named(tzid: string): WallZone;
}

export const UTC = wallZone(() => 0);

export function calendarZones(calendar: Component, zone: string, window: Span): CalendarZones {
  const own = ownZones(calendar, window);
  const known = new Map<string, WallZone>();
  const used = new Set<string>();
  const named = (tzid: string): WallZone => {
    const found = known.get(tzid) ?? zoneNamed(tzid, own);
    known.set(tzid, found);
    if (isZone(tzid) && !own.has(tzid.toLowerCase())) used.add(tzid);
    return found;
  };
  const days = ianaZone(zone);
  const home = propertyOf(calendar, 'X-WR-TIMEZONE')?.value.trim() ?? '';
  let floating = days;
  let unknown = null;
  try {
    if (home !== '') floating = named(home);
  } catch {
    unknown = home;
  }
  const readable = [...own.values()].flatMap((read) => (read instanceof Error ? [] : [read]));
  return { days, floating, unknown, all: [floating, ...readable, days, UTC], used, named };
}

/** An error is kept with its zone, so that only events that use the zone are refused. */
function ownZones(calendar: Component, window: Span): Map<string, WallZone | Error> {
  const own = new Map<string, WallZone | Error>();
  for (const component of calendar.components) {
    if (component.name !== 'VTIMEZONE') continue;
    const tzid = propertyOf(component, 'TZID')?.value.trim().toLowerCase() ?? '';
    try {
      const read = readVtimezone(component, window);
      if (read !== null) own.set(tzid, read);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      own.set(tzid, new Error(`its VTIMEZONE of line ${component.line}: ${why}`));
    }
  }
  return own;
}

/**
 * A name with a slash is IANA's, whose current rules are better than the file's old copy. For any
 * other name (EST, "Customized Time Zone") the file's own VTIMEZONE counts, if it has one.
 */
function zoneNamed(tzid: string, own: ReadonlyMap<string, WallZone | Error>): WallZone {
  if (tzid.includes('/') && isZone(tzid)) return ianaZone(tzid);
  const written = own.get(tzid.toLowerCase());
  if (written instanceof Error) throw written;
  if (written !== undefined) return written;
  // "/mozilla.org/20050126_1/Europe/Berlin" and similar names end with the IANA name.
  const parts = tzid.split('/').slice(-3);
  const tails = parts.map((_, index) => parts.slice(index).join('/'));
  const iana = [tzid, zoneOfWindowsName(tzid) ?? '', ...tails].find(isZone);
  if (iana !== undefined) return ianaZone(iana);
  throw new UnknownZone(tzid);
}

export class UnknownZone extends Error {
  readonly hint: string;

  constructor(tzid: string) {
    super(`unknown time zone ${tzid} without a VTIMEZONE`);
    this.hint = zoneHint(tzid);
  }
}

function ianaZone(zone: string): WallZone {
  return wallZone((atMs) => offsetMs(zone, atMs));
}

function wallZone(offsetAt: (atMs: number) => number): WallZone {
  return {
    wallOf: (atMs) => atMs + offsetAt(atMs),
    momentOf(wallMs) {
      const before = wallMs - offsetAt(wallMs - DAY_MS);
      const after = wallMs - offsetAt(wallMs + DAY_MS);
      const [first, second] = before < after ? [before, after] : [after, before];
      if (first + offsetAt(first) === wallMs) return first;
      return second + offsetAt(second) === wallMs ? second : before;
    },
  };
}

interface Transition {
  atMs: number;
  fromOffsetMs: number;
  toOffsetMs: number;
}

const YEAR_MS = 366 * DAY_MS;

/** Null if it defines no offsets. */
function readVtimezone(component: Component, window: Span): WallZone | null {
  const transitions: Transition[] = [];
  for (const observance of component.components) {
    const start = propertyOf(observance, 'DTSTART');
    const from = offsetOf(propertyOf(observance, 'TZOFFSETFROM')?.value);
    const to = offsetOf(propertyOf(observance, 'TZOFFSETTO')?.value);
    if (start === null || to === null) continue;
    const fromOffsetMs = from ?? to;
    for (const wallMs of onsets(observance, fromOffsetMs, window)) {
      transitions.push({ atMs: wallMs - fromOffsetMs, fromOffsetMs, toOffsetMs: to });
    }
  }
  const sorted = transitions.sort((a, b) => a.atMs - b.atMs);
  const [first] = sorted;
  if (first === undefined) return null;
  return wallZone((atMs) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return sorted[low - 1]?.toOffsetMs ?? first.fromOffsetMs;
  });
}

/** The times at which this observance begins, in the local time before the change. */
function onsets(observance: Component, fromOffsetMs: number, window: Span): number[] {
  const wallOf = ({ wallMs, utc }: { wallMs: number; utc: boolean }) =>
    utc ? wallMs + fromOffsetMs : wallMs;
  const starts = propertiesOf(observance, 'DTSTART').flatMap(readTimes);
  const dates = propertiesOf(observance, 'RDATE').flatMap(readTimes);
  const found = [...starts, ...dates].map(({ time }) => wallOf(time));
  const [startMs] = found;
  if (startMs === undefined) return [];
  for (const { value } of propertiesOf(observance, 'RRULE')) {
    const rule = readRule(value);
    if (rule === null) continue;
    const untilMs = rule.until === null ? null : wallOf(rule.until);
    // The observance in force at the start of the window began at most a year earlier.
    const fromMs = Math.max(startMs, window.fromMs - 2 * YEAR_MS);
    const toMs = window.toMs + YEAR_MS;
    found.push(...atOnce(expandRule({ ...rule, untilMs }, startMs, { fromMs, toMs })));
    // If the rule has ended, its last onset is still in force.
    if (untilMs !== null && untilMs < fromMs && untilMs >= startMs) {
      const last = { fromMs: Math.max(startMs, untilMs - 2 * YEAR_MS), toMs: untilMs };
      found.push(...atOnce(expandRule({ ...rule, untilMs }, startMs, last)));
    }
  }
  return found;
}

/** "+0100", "-053000" */
function offsetOf(text: string | undefined): number | null {
  const parts = /^([+-])(\d\d):?(\d\d):?(\d\d)?$/.exec(text?.trim() ?? '');
  if (parts === null) return null;
  const [hours, minutes, seconds] = parts.slice(2).map((part) => Number(part ?? 0));
  const ms = ((hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1000;
  return parts[1] === '-' ? -ms : ms;
}
