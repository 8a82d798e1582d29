/**
 * Busy times of an iCal file (ical.js of Mozilla reads RRULE, RDATE, EXDATE and exceptions). Zones go
 * through IANA where the file names one, through its own VTIMEZONE where not; all-day and floating times
 * are days and hours of the schedule's zone.
 */
import vm from 'node:vm';
import ICAL from 'ical.js';
import type { Schedule } from '../core/rule.ts';
import { DAY_MS, momentsOfWall, offsetMs } from '../core/zone.ts';
import { LIMITS } from './limits.ts';
import type { Problems } from './problem.ts';
import { isZone } from './schedules.ts';
import { decodeText } from './source.ts';

type Span = Schedule['closedSpans'][number];

export interface Window {
  fromMs: number;
  toMs: number;
}

/** From a year before to three years after: what a reload a day later would see anyway. */
export function icalWindow(nowMs: number): Window {
  return { fromMs: nowMs - 366 * DAY_MS, toMs: nowMs + 3 * 366 * DAY_MS };
}

export function icalSpans(
  file: string,
  bytes: Uint8Array,
  zone: string,
  window: Window,
  problems: Problems,
): Span[] {
  const top = { file, line: 1, column: 1 };
  if (bytes.byteLength > LIMITS.icalFileBytes) {
    problems.problem(
      top,
      `the calendar has ${bytes.byteLength} bytes, more than ${LIMITS.icalFileBytes}`,
    );
    return [];
  }
  const text = decodeText(file, bytes, problems);
  if (text === null) return [];
  let calendars: ICAL.Component[];
  try {
    const parsed = ICAL.parse(text.replace(/^\ufeff/, ''));
    const roots = (Array.isArray(parsed[0]) ? parsed : [parsed]) as ConstructorParameters<
      typeof ICAL.Component
    >[0][];
    calendars = roots.map((root) => new ICAL.Component(root));
  } catch (error) {
    problems.problem(
      top,
      `not an iCal file: ${messageOf(error)}`,
      'it begins with BEGIN:VCALENDAR',
    );
    return [];
  }
  const spans: Span[] = [];
  const lines = eventLines(text);
  const untilMs = performance.now() + LIMITS.icalMs;
  let index = 0;
  for (const calendar of calendars) {
    const components = calendar.getAllSubcomponents('vevent');
    for (const component of components) {
      const at = { file, line: lines[index] ?? 1, column: 1 };
      index += 1;
      try {
        interrupted(untilMs, () => expand(component, components, zone, window, spans));
      } catch (error) {
        problems.problem(
          at,
          `an event that cannot be read: ${messageOf(error)}`,
          'export the calendar again, or remove the event',
        );
      }
    }
  }
  if (index === 0) problems.warning(top, 'the calendar holds no event', 'nothing is closed by it');
  return spans;
}

/**
 * ical.js looks for ever for a fifth Monday of a day and the like. The time limit of a vm script ends
 * whatever runs under it, functions of ours too.
 */
function interrupted(untilMs: number, work: () => void): void {
  const timeout = Math.ceil(untilMs - performance.now());
  if (timeout <= 0) throw new Error(`the calendar takes longer than ${LIMITS.icalMs} ms`);
  let failure: unknown = null;
  const go = () => {
    try {
      work();
    } catch (error) {
      failure = error ?? new Error('it threw nothing');
    }
  };
  try {
    vm.runInNewContext('go()', { go }, { timeout });
  } catch {
    throw new Error(`its RRULE names no day within ${LIMITS.icalMs} ms`);
  }
  if (failure !== null) throw failure;
}

function expand(
  component: ICAL.Component,
  all: ICAL.Component[],
  zone: string,
  window: Window,
  spans: Span[],
): void {
  const event = new ICAL.Event(component);
  if (String(component.getFirstPropertyValue('status') ?? '').toUpperCase() === 'CANCELLED') return;
  if (!component.hasProperty('dtstart')) throw new Error('it has no DTSTART');
  if (event.isRecurrenceException()) return;
  if (!event.isRecurring()) {
    keep(event, event.startDate, event.endDate, zone, window, spans);
    return;
  }
  refuseNoDay(component);
  for (const other of all) {
    if (other === component || other.getFirstPropertyValue('uid') !== event.uid) continue;
    if (other.hasProperty('recurrence-id')) event.relateException(other);
  }
  const iterator = event.iterator();
  for (let count = 0; ; count += 1) {
    const next = iterator.next();
    if (!next) return;
    if (count >= LIMITS.icalOccurrences)
      throw new Error(`it recurs more than ${LIMITS.icalOccurrences} times`);
    const details = event.getOccurrenceDetails(next);
    const item = details.item;
    if (String(item.component.getFirstPropertyValue('status') ?? '').toUpperCase() === 'CANCELLED')
      continue;
    if (momentOf(next, tzidOf(component), zone) > window.toMs) return;
    keep(item, details.startDate, details.endDate, zone, window, spans);
  }
}

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Of a 30th of February ical.js makes the 2nd of March. */
function refuseNoDay(component: ICAL.Component): void {
  for (const property of component.getAllProperties('rrule')) {
    const rule = property.getFirstValue() as ICAL.Recur;
    const months = rule.getComponent('BYMONTH').map(Number);
    const days = rule.getComponent('BYMONTHDAY').map((day) => Math.abs(Number(day)));
    if (days.length === 0) continue;
    const possible = (months.length === 0 ? [1] : months).some((month) =>
      days.some((day) => day >= 1 && day <= (DAYS_IN_MONTH[month - 1] ?? 0)),
    );
    if (!possible) throw new Error('its RRULE names a day that no month has');
  }
}

function keep(
  event: ICAL.Event,
  start: ICAL.Time,
  end: ICAL.Time,
  zone: string,
  window: Window,
  spans: Span[],
): void {
  const fromMs = momentOf(start, tzidOf(event.component), zone);
  const toMs = momentOf(end, tzidOf(event.component), zone);
  if (toMs <= fromMs || toMs < window.fromMs || fromMs > window.toMs) return;
  if (spans.length >= LIMITS.icalSpans)
    throw new Error(`the calendar has more than ${LIMITS.icalSpans} busy times`);
  spans.push({ fromMs, toMs, summary: String(event.summary ?? '').slice(0, 200) });
}

function tzidOf(component: ICAL.Component): string | null {
  const tzid = component.getFirstProperty('dtstart')?.getParameter('tzid');
  return typeof tzid === 'string' ? tzid : null;
}

function momentOf(time: ICAL.Time, tzid: string | null, zone: string): number {
  if (!time.isDate && time.zone === ICAL.Timezone.utcTimezone) return time.toUnixTime() * 1000;
  const wallMs = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
  if (!Number.isFinite(wallMs)) throw new Error(`${time.toString()} is no time`);
  if (time.isDate || tzid === null) return momentOfWall(zone, wallMs);
  if (isZone(tzid)) return momentOfWall(tzid, wallMs);
  if (time.zone === ICAL.Timezone.localTimezone || time.zone === null) {
    throw new Error(`unknown time zone ${tzid} without a VTIMEZONE`);
  }
  return time.toUnixTime() * 1000;
}

/** The first of two where clocks go back; where they go forward, as before the change. */
function momentOfWall(zone: string, wallMs: number): number {
  return momentsOfWall(zone, wallMs)[0] ?? wallMs - offsetMs(zone, wallMs - DAY_MS);
}

function eventLines(text: string): number[] {
  const lines: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^BEGIN:VEVENT\s*$/i.test(line)) lines.push(index + 1);
  }
  return lines;
}

function messageOf(error: unknown): string {
  return (
    (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.slice(0, 200) ?? ''
  );
}
