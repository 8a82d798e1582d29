/**
 * Busy times of an iCal file (ical.js of Mozilla reads RRULE, RDATE, EXDATE and exceptions). Zones go
 * through IANA where the file names one, through its own VTIMEZONE where not; all-day and floating times
 * are days and hours of the schedule's zone.
 */
import vm from 'node:vm';
import ICAL from 'ical.js';
import { isDate } from '../core/iso-time.ts';
import type { Schedule } from '../core/rules/rule.ts';
import { DAY_MS, momentsOfWall, offsetMs } from '../core/rules/zone.ts';
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
  const blocks = eventBlocks(text);
  const calendars = readCalendars(file, text, blocks, problems);
  if (calendars === null) return [];
  const spans: Span[] = [];
  const untilMs = performance.now() + LIMITS.icalMs;
  let index = 0;
  for (const calendar of calendars) {
    const components = calendar.getAllSubcomponents('vevent');
    for (const component of components) {
      const at = { file, line: blocks[index]?.line ?? 1, column: 1 };
      index += 1;
      try {
        interrupted(untilMs, () => expand(component, components, zone, window, spans));
      } catch (error) {
        problems.problem(at, `an event that cannot be read: ${messageOf(error)}`, EVENT_HINT);
      }
    }
  }
  if (index === 0) problems.warning(top, 'the calendar holds no event', 'nothing is closed by it');
  return spans;
}

/** Null after problems: one for each event that breaks the file, else one for the file. */
function readCalendars(
  file: string,
  text: string,
  blocks: Block[],
  problems: Problems,
): ICAL.Component[] | null {
  try {
    return componentsOf(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const before = problems.problems.length;
    for (const { line, text: event } of blocks) {
      try {
        componentsOf(`BEGIN:VCALENDAR\n${event}END:VCALENDAR\n`);
      } catch (cause) {
        const at = { file, line, column: 1 };
        problems.problem(at, `an event that cannot be read: ${messageOf(cause)}`, EVENT_HINT);
      }
    }
    if (problems.problems.length === before) {
      const top = { file, line: 1, column: 1 };
      problems.problem(
        top,
        `not an iCal file: ${messageOf(error)}`,
        'it begins with BEGIN:VCALENDAR and ends with END:VCALENDAR',
      );
    }
    return null;
  }
}

function componentsOf(text: string): ICAL.Component[] {
  const parsed = ICAL.parse(text);
  const roots = (Array.isArray(parsed[0]) ? parsed : [parsed]) as ConstructorParameters<
    typeof ICAL.Component
  >[0][];
  const components = roots.map((root) => new ICAL.Component(root));
  // An empty file is parsed to a component without anything in it.
  if (components.some(({ name }) => name !== 'vcalendar')) throw new Error('it has no VCALENDAR');
  return components;
}

const EVENT_HINT = 'export the calendar again, or remove the event';

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
  refuseBadTimes(component);
  refuseNoTime(event, zone);
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

/** ical.js makes the 1st of February of a 32nd of January, and of a 13th month the next year. */
function refuseBadTimes(component: ICAL.Component): void {
  for (const name of ['dtstart', 'dtend', 'exdate', 'rdate', 'recurrence-id']) {
    for (const property of component.getAllProperties(name)) {
      const [, , , ...values] = property.toJSON() as unknown[];
      const wrong = values.find((value) => typeof value === 'string' && !isTime(value));
      if (wrong !== undefined) throw new Error(`${name.toUpperCase()} ${wrong} is no date or time`);
    }
  }
}

function isTime(text: string): boolean {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}):(\d{2}):(\d{2})Z?)?$/.exec(text);
  const day = parts?.[1];
  if (day === undefined) return false;
  const [hours, minutes, seconds] = (parts ?? []).slice(2).map((part) => Number(part ?? 0));
  const inDay = (hours ?? 0) < 24 && (minutes ?? 0) < 60 && (seconds ?? 0) <= 60;
  return inDay && isDate(day);
}

/** A moment without length closes nothing, and that may be meant; a day without one is a mistake. */
function refuseNoTime(event: ICAL.Event, zone: string): void {
  if (!event.component.hasProperty('dtend')) return;
  const tzid = tzidOf(event.component);
  const lengthMs = momentOf(event.endDate, tzid, zone) - momentOf(event.startDate, tzid, zone);
  if (lengthMs < 0 || (lengthMs === 0 && event.startDate.isDate))
    throw new Error('its DTEND is not after its DTSTART');
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

interface Block {
  /** Of its BEGIN:VEVENT. */
  line: number;
  text: string;
}

/** The events as they are written, in their order. */
function eventBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^BEGIN:VEVENT\s*$/i.test(line)) {
      open = { line: index + 1, text: '' };
      blocks.push(open);
    }
    if (open !== null) open.text += `${line}\n`;
    if (/^END:VEVENT\s*$/i.test(line)) open = null;
  }
  return blocks;
}

function messageOf(error: unknown): string {
  // ical.js trips over lines outside of a component, and over ends without a beginning.
  if (error instanceof TypeError) return 'a line stands outside of what BEGIN and END enclose';
  return (
    (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.slice(0, 200) ?? ''
  );
}
