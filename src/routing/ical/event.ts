/** One VEVENT: its time, its texts, and which of several versions counts. */
import { DAY_MS } from '../../core/rules/zone.ts';
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
  /** As if the wall's clock showed UTC. */
  wallMs: number;
  /** A day or several, by the schedule's zone. */
  date: boolean;
  utc: boolean;
  length: Length;
}

export interface CalendarEvent {
  component: Component;
  zones: CalendarZones;
  /** Empty where it has none. */
  uid: string;
  /** Of a series the one instance that this changes, or the first of those. */
  instance: WrittenTime | null;
  andFuture: boolean;
  /** Null where the event is cancelled. */
  time: EventTime | null;
  /** Null where the property does not stand there: an exception has its series' then. */
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
  // RFC 5545 has the end of a day after it; many who write the same day at both ends mean that day.
  return totalMs === 0 ? untold : length;
}

/**
 * Days are days of the wall; of times RFC 5545 keeps the exact length, over changes of the clocks
 * too.
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

/** Every value of a property that may stand there several times. */
export function allTimes(component: Component, name: string): WrittenPeriod[] {
  return propertiesOf(component, name).flatMap(readTimes);
}

/**
 * Of the versions of one event those that count: the highest SEQUENCE, then the latest
 * LAST-MODIFIED or DTSTAMP (RFC 5546, 2.1.5). Equals all count, as one UID for everything is a
 * common mistake.
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

/** Whether one of the texts holds one of these, whatever the case of its letters. */
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
 * Days on which a moment may be meant to be, the likeliest first: where it is midnight, it is that
 * day.
 */
export function likelyDays(atMs: number, zones: CalendarZones): number[] {
  const walls = zones.all.map((zone) => zone.wallOf(atMs));
  const midnights = walls.filter((wallMs) => dayOf(wallMs) === wallMs);
  return [...new Set([...midnights, ...walls].map(dayOf))];
}
