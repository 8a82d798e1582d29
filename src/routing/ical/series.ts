/**
 * The instances of a series from its rules and dates, without those that exceptions remove or
 * change.
 */
import { DAY_MS } from '../../core/rules/schedules/zone.ts';
import { propertiesOf } from './content.ts';
import {
  allTimes,
  type CalendarEvent,
  type EventTime,
  lengthUntil,
  likelyDays,
  zoneOf,
} from './event.ts';
import { expandRule, readRule, type Span, type WrittenRule } from './recurrence.ts';
import { dayOf, type Length, type WrittenTime } from './time.ts';

/** One closed time, and the event that describes it. */
export interface Instance extends Span {
  event: CalendarEvent;
}

export interface Series {
  instances: Instance[];
  /** Exceptions for instances that the series does not have within the window. */
  strangers: CalendarEvent[];
  /** The COUNT that was ignored, if any. */
  countIgnored: string | null;
}

export function instanceOf(event: CalendarEvent, time: EventTime): Instance {
  return { ...spanAt(time, time.wallMs, time.length), event };
}

/** Yields regularly, see slices.ts. */
export function* expandSeries(
  event: CalendarEvent,
  time: EventTime,
  exceptions: CalendarEvent[],
  window: Span,
): Generator<void, Series> {
  // Wider than the window: a zone may be a day away from UTC, and earlier instances may last into
  // it.
  const around = {
    fromMs: window.fromMs - 2 * DAY_MS - time.length.days * DAY_MS - time.length.ms,
    toMs: window.toMs + 2 * DAY_MS,
  };
  const rules = rulesOf(event, 'RRULE');
  const walls = new Walls(event, time);
  if (rules.length === 0) walls.add(time.wallMs);
  for (const rule of rules) {
    for (const wallMs of yield* expand(rule, event, time, around)) walls.add(wallMs);
  }
  for (const { time: date, end } of allTimes(event.component, 'RDATE')) {
    const length =
      end !== null && 'wallMs' in end
        ? lengthUntil(end, date, zoneOf(date, event.zones), event.zones)
        : end;
    walls.add(walls.placeOf(date), length);
  }

  const single = exceptions.filter(({ andFuture }) => !andFuture);
  const strangers: CalendarEvent[] = [];
  const replaced = new Set<number>();
  for (const exception of single) {
    if (exception.instance === null) continue;
    const found = walls.find(exception.instance);
    for (const wallMs of found) replaced.add(wallMs);
    const placeMs = walls.placeOf(exception.instance);
    const seen = placeMs >= window.fromMs && placeMs <= window.toMs;
    if (found.length === 0 && seen && exception.time !== null) strangers.push(exception);
  }
  for (const { time: date } of allTimes(event.component, 'EXDATE')) {
    for (const wallMs of walls.find(date)) replaced.add(wallMs);
  }
  for (const rule of rulesOf(event, 'EXRULE')) {
    for (const wallMs of yield* expand(rule, event, time, around)) replaced.add(wallMs);
  }

  const turns = exceptions
    .filter(({ andFuture }) => andFuture)
    .flatMap((exception) =>
      exception.instance === null ? [] : [{ fromMs: walls.placeOf(exception.instance), exception }],
    )
    .sort((a, b) => b.fromMs - a.fromMs);
  const instances: Instance[] = [];
  for (const [wallMs, own] of walls.lengths) {
    yield;
    if (replaced.has(wallMs)) continue;
    const turn = turns.find(({ fromMs }) => fromMs <= wallMs);
    if (turn === undefined) {
      instances.push({ ...spanAt(time, wallMs, own ?? time.length), event });
    } else if (turn.exception.time !== null) {
      const moved = turn.exception.time;
      const movedMs = moved.wallMs + (wallMs - turn.fromMs);
      instances.push({ ...spanAt(moved, movedMs, moved.length), event: turn.exception });
    }
  }
  for (const exception of single) {
    if (exception.time !== null) instances.push(instanceOf(exception, exception.time));
  }
  const countIgnored = rules.find((rule) => rule.countIgnored !== null)?.countIgnored ?? null;
  return { instances, strangers, countIgnored };
}

function rulesOf({ component }: CalendarEvent, name: string): WrittenRule[] {
  return propertiesOf(component, name).flatMap(({ value }) => readRule(value) ?? []);
}

function spanAt({ zone }: EventTime, wallMs: number, { days, ms }: Length): Span {
  return { fromMs: zone.momentOf(wallMs), toMs: zone.momentOf(wallMs + days * DAY_MS) + ms };
}

function expand(rule: WrittenRule, event: CalendarEvent, time: EventTime, span: Span) {
  return expandRule({ ...rule, untilMs: untilOf(rule, event, time) }, time.wallMs, span);
}

/** The last local time that UNTIL includes; if it is a date, that whole day. */
function untilOf({ until }: WrittenRule, { zones }: CalendarEvent, time: EventTime): number | null {
  if (until === null) return null;
  if (time.date) {
    return until.utc ? (likelyDays(until.wallMs, zones)[0] ?? until.wallMs) : dayOf(until.wallMs);
  }
  if (until.date) {
    const endMs = until.wallMs + DAY_MS - 1000;
    return time.utc ? zones.floating.momentOf(endMs) : endMs;
  }
  return until.utc ? time.zone.wallOf(until.wallMs) : until.wallMs;
}

/**
 * The instances by their local time in the series. Exceptions may identify them in several ways.
 */
class Walls {
  /** The length of each instance; not null only if a period of RDATE gives one. */
  readonly lengths = new Map<number, Length | null>();
  readonly #event: CalendarEvent;
  readonly #time: EventTime;
  #byDay: Map<number, number[]> | null = null;

  constructor(event: CalendarEvent, time: EventTime) {
    this.#event = event;
    this.#time = time;
  }

  add(wallMs: number, length: Length | null = null): void {
    this.lengths.set(wallMs, length ?? this.lengths.get(wallMs) ?? null);
    this.#byDay = null;
  }

  /** The local time in the series. A date becomes that day at the series' time of day. */
  placeOf(written: WrittenTime): number {
    const { zone, date, utc, wallMs } = this.#time;
    const { zones } = this.#event;
    if (date) {
      const days = written.utc ? likelyDays(written.wallMs, zones) : [dayOf(written.wallMs)];
      return days.find((day) => this.lengths.has(day)) ?? days[0] ?? written.wallMs;
    }
    if (written.date) {
      const first = utc ? zones.floating.wallOf(wallMs) : wallMs;
      const sameTime = written.wallMs + (first - dayOf(first));
      return utc ? zones.floating.momentOf(sameTime) : sameTime;
    }
    if (!written.utc && written.tzid === null && !utc) return written.wallMs;
    return zone.wallOf(zoneOf(written, zones).momentOf(written.wallMs));
  }

  find(written: WrittenTime): number[] {
    const place = this.placeOf(written);
    // Exchange identifies an instance by midnight of its day.
    const midnight = dayOf(written.wallMs) === written.wallMs;
    if (this.lengths.has(place) && !written.date) return [place];
    if (this.#time.date) return this.lengths.has(place) ? [place] : [];
    return written.date || midnight ? (this.#days().get(dayOf(written.wallMs)) ?? []) : [];
  }

  #days(): Map<number, number[]> {
    if (this.#byDay !== null) return this.#byDay;
    this.#byDay = new Map();
    for (const wallMs of this.lengths.keys()) {
      const local = this.#time.utc ? this.#event.zones.floating.wallOf(wallMs) : wallMs;
      const same = this.#byDay.get(dayOf(local));
      if (same === undefined) this.#byDay.set(dayOf(local), [wallMs]);
      else same.push(wallMs);
    }
    return this.#byDay;
  }
}
