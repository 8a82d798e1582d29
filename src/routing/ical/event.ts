/** One VEVENT: its time, its texts, and which of several versions counts. */
import { DAY_MS } from '../../core/rules/schedules/zone.ts';
import { type Component, propertiesOf, propertyOf, textOf } from './content.ts';
import {
  dayOf,
  type Length,
  readLength,
  readTimes,
  type WrittenPeriod,
  type WrittenTime,
} from './time.ts';
import { type CalendarZones, UTC, type WallZone } from './zones.ts';

export interface EventTime {
  zone: WallZone;
  /** Local time in milliseconds, counted as if it were UTC. */
  wallMs: number;
  /** True for whole days, which are in the schedule's zone. */
  date: boolean;
  utc: boolean;
  length: Length;
}

export interface CalendarEvent {
  component: Component;
  zones: CalendarZones;
  /** Empty if it has none. */
  uid: string;
  /** The instance of the series that this event changes, or the first of them. */
  instance: WrittenTime | null;
  andFuture: boolean;
  /** Null if the event is cancelled. */
  time: EventTime | null;
  /** Null if the property is absent; an exception then has that of its series. */
  texts: { summary: string | null; description: string | null; categories: string | null };
}

export function readEvent(
  component: Component,
  zones: CalendarZones,
  calendarCancels: boolean,
): CalendarEvent {
  const status = propertyOf(component, 'STATUS')?.value.trim().toUpperCase();
  const cancelled = calendarCancels || status === 'CANCELLED';
  const instance = propertyOf(component, 'RECURRENCE-ID');
  return {
    component,
    zones,
    uid: propertyOf(component, 'UID')?.value.trim() ?? '',
    instance: instance === null ? null : (readTimes(instance)[0]?.time ?? null),
    andFuture: instance?.params.get('RANGE')?.toUpperCase() === 'THISANDFUTURE',
    time: cancelled ? null : readEventTime(component, zones),
    texts: {
      summary: ownText(component, 'SUMMARY'),
      description: ownText(component, 'DESCRIPTION'),
      categories: ownText(component, 'CATEGORIES'),
    },
  };
}

function ownText(component: Component, name: string): string | null {
  const properties = propertiesOf(component, name);
  return properties.length === 0 ? null : properties.map(textOf).join('\n');
}

function readEventTime(component: Component, zones: CalendarZones): EventTime {
  const start = firstTime(component, 'DTSTART');
  if (start === null) throw new Error('it has no DTSTART');
  const zone = zoneOf(start, zones);
  const { wallMs, date, utc } = start;
  const length = readEventLength(component, { zone, start, zones });
  return { zone, wallMs, date, utc, length };
}

export function zoneOf({ date, utc, tzid }: WrittenTime, zones: CalendarZones): WallZone {
  if (date) return zones.days;
  if (utc) return UTC;
  return tzid === null ? zones.floating : zones.named(tzid);
}

function readEventLength(
  component: Component,
  { zone, start, zones }: { zone: WallZone; start: WrittenTime; zones: CalendarZones },
): Length {
  const duration = propertyOf(component, 'DURATION');
  const end = firstTime(component, 'DTEND');
  const untold: Length = { days: start.date ? 1 : 0, ms: 0 };
  if (end === null && duration === null) return untold;
  const length =
    end === null ? readLength(duration?.value ?? '') : lengthUntil(end, start, zone, zones);
  const totalMs = length.days * DAY_MS + length.ms;
  if (totalMs < 0) throw new Error('its DTEND is not after its DTSTART');
  // In RFC 5545 a one-day event ends on the next day, but many programs write the same day at both
  // ends.
  return totalMs === 0 ? untold : length;
}

/**
 * Between dates, the length in calendar days. Between times, RFC 5545 requires the exact length,
 * even across clock changes.
 */
export function lengthUntil(
  end: WrittenTime,
  start: WrittenTime,
  zone: WallZone,
  zones: CalendarZones,
): Length {
  if (start.date && end.date) return { days: (end.wallMs - start.wallMs) / DAY_MS, ms: 0 };
  const endZone = end.date ? zone : zoneOf(end, zones);
  return { days: 0, ms: endZone.momentOf(end.wallMs) - zone.momentOf(start.wallMs) };
}

function firstTime(component: Component, name: string): WrittenTime | null {
  const property = propertyOf(component, name);
  if (property === null) return null;
  return readTimes(property)[0]?.time ?? null;
}

/** Every value of a property that may occur several times. */
export function allTimes(component: Component, name: string): WrittenPeriod[] {
  return propertiesOf(component, name).flatMap(readTimes);
}

/**
 * The versions of one event that count: those with the highest SEQUENCE, then the latest
 * LAST-MODIFIED or DTSTAMP (RFC 5546, 2.1.5). Equal versions all count, because using one UID for
 * all events is a common mistake.
 */
export function newestOf(versions: CalendarEvent[]): CalendarEvent[] {
  if (versions.length < 2) return versions;
  const sequence = Math.max(...versions.map(sequenceOf));
  const highest = versions.filter((version) => sequenceOf(version) === sequence);
  const revised = Math.max(...highest.map(revisedOf));
  const newest = highest.filter((version) => revisedOf(version) === revised);
  return newest.some(({ time }) => time === null) ? newest.filter((v) => v.time === null) : newest;
}

function sequenceOf({ component }: CalendarEvent): number {
  return Number.parseInt(propertyOf(component, 'SEQUENCE')?.value ?? '', 10) || 0;
}

function revisedOf({ component }: CalendarEvent): number {
  const property = propertyOf(component, 'LAST-MODIFIED') ?? propertyOf(component, 'DTSTAMP');
  try {
    return property === null ? 0 : (readTimes(property)[0]?.time.wallMs ?? 0);
  } catch {
    return 0;
  }
}

/** Whether one of the texts contains one of these words, ignoring case. */
export function mentions(
  event: CalendarEvent,
  series: CalendarEvent | null,
  wanted: readonly string[],
): boolean {
  const texts = (['summary', 'description', 'categories'] as const).map((name) =>
    (event.texts[name] ?? series?.texts[name] ?? '').toLowerCase(),
  );
  return wanted.some((word) => texts.some((text) => text.includes(word.trim().toLowerCase())));
}

/**
 * Days that an instant may stand for, the likeliest first: in zones where it is midnight, that day.
 */
export function likelyDays(atMs: number, zones: CalendarZones): number[] {
  const walls = zones.all.map((zone) => zone.wallOf(atMs));
  const midnights = walls.filter((wallMs) => dayOf(wallMs) === wallMs);
  return [...new Set([...midnights, ...walls].map(dayOf))];
}
