/**
 * The closed times of an iCal file. Zone names are IANA's, otherwise those that the file defines;
 * whole days are in the schedule's zone. An unreadable event is a problem, an unusual one a
 * warning.
 */
import type { CalendarSpan } from '../../core/rules/rule.ts';
import { DAY_MS } from '../../core/rules/zone.ts';
import { LIMITS } from '../limits.ts';
import type { Problems } from '../problem.ts';
import { fixedZone } from '../zone-names.ts';
import { type Component, type Content, propertyOf, readContent } from './content.ts';
import { type CalendarEvent, mentions, newestOf, readEvent } from './event.ts';
import { Notes } from './notes.ts';
import type { Span } from './recurrence.ts';
import { expandSeries, type Instance, instanceOf } from './series.ts';
import { type CalendarZones, calendarZones, UnknownZone } from './zones.ts';

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

export function icalSpans(
  wantedCalendar: WantedCalendar,
  bytes: Uint8Array,
  zone: string,
  window: Span,
  problems: Problems,
): CalendarSpan[] {
  const { file, only, does, because } = wantedCalendar;
  const nothing = does === 'opens' ? 'it opens nothing' : 'it closes nothing';
  const notes = new Notes(file, problems);
  const content = readFile(bytes, notes);
  if (content === null) return [];
  const events = content.calendars.flatMap((calendar) =>
    readEvents(calendar, calendarZones(calendar, zone, window), window, notes),
  );
  const spans: CalendarSpan[] = [];
  let wanted = 0;
  for (const group of byUid(events)) {
    if (spans.length >= LIMITS.icalSpans) break;
    wanted += collect(group, only, window, notes, spans);
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
function readFile(bytes: Uint8Array, notes: Notes): Content | null {
  if (bytes.byteLength > LIMITS.icalFileBytes) {
    notes.problem(
      1,
      `the calendar has ${bytes.byteLength} bytes, more than ${LIMITS.icalFileBytes}`,
    );
    return null;
  }
  try {
    const content = readContent(bytes);
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
function readEvents(
  calendar: Component,
  zones: CalendarZones,
  window: Span,
  notes: Notes,
): CalendarEvent[] {
  const cancels = propertyOf(calendar, 'METHOD')?.value.trim().toUpperCase() === 'CANCEL';
  const read = calendar.components.flatMap((component) => {
    if (component.name !== 'VEVENT') return [];
    try {
      return [readEvent(component, zones, cancels)];
    } catch (error) {
      refuse(component, error, notes);
      return [];
    }
  });
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

interface Group {
  /** Events without RECURRENCE-ID. */
  masters: CalendarEvent[];
  exceptions: CalendarEvent[];
}

/** The events grouped by UID, in the order of the file, each in the version that counts. */
function byUid(events: CalendarEvent[]): Group[] {
  const grouped = Map.groupBy(events, (event) => event.uid || event);
  return [...grouped.values()].map((same) => ({
    masters: newestOf(same.filter(({ instance }) => instance === null)),
    exceptions: [
      ...Map.groupBy(
        same.filter(({ instance }) => instance !== null),
        ({ instance }) => JSON.stringify(instance),
      ).values(),
    ].flatMap(newestOf),
  }));
}

/** Collects the closed times of a group. Returns how many of its events are wanted. */
function collect(
  { masters, exceptions }: Group,
  only: readonly string[] | null,
  window: Span,
  notes: Notes,
  spans: CalendarSpan[],
): number {
  let wanted = 0;
  const isWanted = (event: CalendarEvent, series: CalendarEvent | null) =>
    only === null || mentions(event, series, only);
  for (const event of masters.length === 0 ? exceptions : masters) {
    if (event.time === null) continue;
    const chosen = [event, ...(masters.length === 0 ? [] : exceptions)].filter((each) =>
      isWanted(each, event),
    );
    wanted += chosen.length;
    if (chosen.length === 0) continue;
    try {
      const instances =
        masters.length === 0
          ? [orphan(event, event.time, notes)]
          : expand(event, event.time, { masters, exceptions }, window, notes);
      for (const instance of instances) {
        if (chosen.includes(instance.event)) keep(instance, event, window, notes, spans);
      }
    } catch (error) {
      refuse(event.component, error, notes);
      if (error instanceof TooMany) return wanted;
    }
  }
  return wanted;
}

function orphan(event: CalendarEvent, time: NonNullable<CalendarEvent['time']>, notes: Notes) {
  notes.warn(
    'orphan',
    event.component.line,
    'a changed event without its series: only its own time is used',
    'export the calendar with the whole series',
  );
  return instanceOf(event, time);
}

function expand(
  event: CalendarEvent,
  time: NonNullable<CalendarEvent['time']>,
  { masters, exceptions }: Group,
  window: Span,
  notes: Notes,
): Instance[] {
  const { instances, strangers, countIgnored } = expandSeries(event, time, exceptions, window);
  if (countIgnored !== null) {
    notes.warn(
      'count',
      event.component.line,
      `COUNT=${countIgnored} is ignored: the event recurs until its UNTIL`,
      'remove it: COUNT must be 1 or more',
    );
  }
  // If several series share a UID, it is unclear which of them an exception belongs to.
  for (const { component } of masters.length > 1 ? [] : strangers) {
    notes.warn(
      'stranger',
      component.line,
      'a changed event whose RECURRENCE-ID is not a time of its series: only its own time is used',
      'export the calendar again',
    );
  }
  return instances;
}

class TooMany extends Error {}

function keep(
  { fromMs, toMs, event }: Instance,
  series: CalendarEvent,
  window: Span,
  notes: Notes,
  spans: CalendarSpan[],
): void {
  if (toMs < window.fromMs || fromMs > window.toMs) return;
  if (toMs <= fromMs) {
    notes.warn(
      'moment',
      event.component.line,
      'an event without a length has no time',
      'give it a DTEND or a DURATION',
    );
    return;
  }
  if (spans.length >= LIMITS.icalSpans)
    throw new TooMany(`the calendar has more than ${LIMITS.icalSpans} busy times`);
  const summary = event.texts.summary ?? series.texts.summary ?? '';
  spans.push({ fromMs, toMs, summary: summary.slice(0, 200) });
}

function refuse({ line }: Component, error: unknown, notes: Notes): void {
  const hint =
    error instanceof UnknownZone ? error.hint : 'export the calendar again, or remove the event';
  notes.problem(line, `an event that cannot be read: ${messageOf(error)}`, hint);
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0]?.slice(0, 200) ?? '';
}
