/**
 * The closed times of an iCal file. Zone names are IANA's, otherwise those that the file defines;
 * whole days are in the schedule's zone. An unreadable event is a problem, an unusual one a
 * warning.
 */
import type { CalendarSpan } from '../../core/rules/rule.ts';
import { DAY_MS } from '../../core/rules/schedules/zone.ts';
import { LIMITS } from '../limits.ts';
import type { Problems } from '../problem.ts';
import { fixedZone } from '../schedules/zone-names.ts';
import { type Component, type Content, propertyOf, readContent } from './content.ts';
import { type CalendarEvent, readEvent } from './event.ts';
import { byUid, collect } from './groups.ts';
import { messageOf, Notes } from './notes.ts';
import type { Span } from './recurrence.ts';
import { type CalendarZones, calendarZones } from './zones.ts';

export interface WantedCalendar {
  file: string;
  /** Only events with one of these in summary, description or categories; null takes all. */
  only: readonly string[] | null;
  /** Whether its events close or open the schedule. */
  does: 'closes' | 'opens';
  /** The reason that its closed times get. */
  because?: string;
}

/**
 * From a year before to three years after `nowMs`, widened to include the times in examples, up to
 * ten years away.
 */
export function icalWindow(nowMs: number, asked: readonly number[] = []): Span {
  const window = { fromMs: nowMs - YEAR_MS, toMs: nowMs + 3 * YEAR_MS };
  for (const atMs of asked) {
    if (Math.abs(atMs - nowMs) > 10 * YEAR_MS) continue;
    window.fromMs = Math.min(window.fromMs, atMs - DAY_MS);
    window.toMs = Math.max(window.toMs, atMs + DAY_MS);
  }
  return window;
}

const YEAR_MS = 366 * DAY_MS;

/** Yields regularly, see slices.ts: a feed may have thousands of series. */
export function* icalSpans(
  wantedCalendar: WantedCalendar,
  bytes: Uint8Array,
  zone: string,
  window: Span,
  problems: Problems,
): Generator<void, CalendarSpan[]> {
  const { file, only, does, because } = wantedCalendar;
  const nothing = does === 'opens' ? 'it opens nothing' : 'it closes nothing';
  const notes = new Notes(file, problems);
  const content = yield* readFile(bytes, notes);
  if (content === null) return [];
  const events: CalendarEvent[] = [];
  for (const calendar of content.calendars) {
    const zones = calendarZones(calendar, zone, window);
    for (const event of yield* readEvents(calendar, zones, window, notes)) events.push(event);
  }
  const spans: CalendarSpan[] = [];
  let wanted = 0;
  for (const group of byUid(events)) {
    if (spans.length >= LIMITS.icalSpans) break;
    wanted += yield* collect(group, only, window, notes, spans);
  }
  if (events.length === 0) {
    notes.warn('empty', 1, 'the calendar contains no events', nothing);
  } else if (only !== null && wanted === 0) {
    const words = only.map((word) => JSON.stringify(word)).join(' or ');
    notes.warn(
      'filter',
      1,
      `no event has ${words} in its summary, description or categories`,
      `${nothing}: compare "only" with the text in the file`,
    );
  }
  notes.flush();
  return because === undefined ? spans : spans.map((span) => ({ ...span, because }));
}

/** Null after a problem. */
function* readFile(bytes: Uint8Array, notes: Notes): Generator<void, Content | null> {
  if (bytes.byteLength > LIMITS.icalFileBytes) {
    notes.problem(
      1,
      `the calendar has ${bytes.byteLength} bytes, more than ${LIMITS.icalFileBytes}`,
    );
    return null;
  }
  try {
    const content = yield* readContent(bytes);
    if (!content.utf8) {
      notes.warn('encoding', 1, 'not UTF-8 text: read as Windows-1252', 'save the file as UTF-8');
    }
    for (const line of content.skippedLines) {
      notes.warn(
        'line',
        line,
        'a line that is not a property was ignored',
        'export the calendar again',
      );
    }
    return content;
  } catch (error) {
    notes.problem(
      1,
      `not an iCal file: ${messageOf(error)}`,
      'it begins with BEGIN:VCALENDAR and ends with END:VCALENDAR',
    );
    return null;
  }
}

/** Events that cannot be read are left out and reported as problems. */
function* readEvents(
  calendar: Component,
  zones: CalendarZones,
  window: Span,
  notes: Notes,
): Generator<void, CalendarEvent[]> {
  const cancels = propertyOf(calendar, 'METHOD')?.value.trim().toUpperCase() === 'CANCEL';
  const read: CalendarEvent[] = [];
  for (const component of calendar.components) {
    yield;
    if (component.name !== 'VEVENT') continue;
    try {
      read.push(readEvent(component, zones, cancels));
    } catch (error) {
      notes.refuse(component, error);
    }
  }
  for (const tzid of zones.used) {
    const fixed = fixedZone(tzid, window.fromMs);
    if (fixed !== null) notes.warn(`zone ${tzid}`, calendar.line, fixed.what, fixed.hint);
  }
  const floats = read.find(({ time }) => time?.zone === zones.floating && !time.date);
  if (zones.unknown !== null && floats !== undefined) {
    notes.warn(
      'home',
      floats.component.line,
      `X-WR-TIMEZONE ${zones.unknown} is unknown: times without a zone are read in the schedule's zone`,
      'write an IANA name such as Europe/Dublin',
    );
  }
  return read;
}
