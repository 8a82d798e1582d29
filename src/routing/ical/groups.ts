/** The events of one UID: a series with its exceptions, and the times it takes up. */
import type { CalendarSpan } from '../../core/rules/rule.ts';
import { LIMITS } from '../limits.ts';
import { type CalendarEvent, mentions, newestOf } from './event.ts';
import type { Notes } from './notes.ts';
import type { Span } from './recurrence.ts';
import { expandSeries, type Instance, instanceOf } from './series.ts';

interface Group {
  /** Events without RECURRENCE-ID. */
  masters: CalendarEvent[];
  exceptions: CalendarEvent[];
}

/** The events grouped by UID, in the order of the file, each in the version that counts. */
export function byUid(events: CalendarEvent[]): Group[] {
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

/**
 * Collects the closed times of a group. Returns how many of its events are wanted. Yields
 * regularly, see slices.ts.
 */
export function* collect(
  { masters, exceptions }: Group,
  only: readonly string[] | null,
  window: Span,
  notes: Notes,
  spans: CalendarSpan[],
): Generator<void, number> {
  let wanted = 0;
  const isWanted = (event: CalendarEvent, series: CalendarEvent | null) =>
    only === null || mentions(event, series, only);
  for (const event of masters.length === 0 ? exceptions : masters) {
    yield;
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
          : yield* expand(event, event.time, { masters, exceptions }, window, notes);
      for (const instance of instances) {
        yield;
        if (chosen.includes(instance.event)) keep(instance, event, window, notes, spans);
      }
    } catch (error) {
      notes.refuse(event.component, error);
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

function* expand(
  event: CalendarEvent,
  time: NonNullable<CalendarEvent['time']>,
  { masters, exceptions }: Group,
  window: Span,
  notes: Notes,
): Generator<void, Instance[]> {
  const series = yield* expandSeries(event, time, exceptions, window);
  const { instances, strangers, countIgnored } = series;
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
  spans.push({ fromMs, toMs, summary: inOneLine(summary) });
}

/** A trace has one line for each rule. */
function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, SUMMARY_CHARS_MAX).toWellFormed();
}

const SUMMARY_CHARS_MAX = 200;
