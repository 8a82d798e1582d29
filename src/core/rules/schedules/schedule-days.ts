/**
 * A schedule prepared once for many questions: closed and special days by date, the times of
 * calendars sorted and without overlaps. A special day replaces the weekly hours and the closed
 * times of its date. If several entries have the same date, those with a year take precedence, then
 * those for the fewest days; the hours of equal entries are combined.
 */
import type { Schedule } from '../rule.ts';
import { dateOf } from './wall.ts';

type Closure = Schedule['closed'][number];
type Span = Schedule['closedSpans'][number];

/** What is special about one date; without times it is closed all day. */
export interface SpecialDay {
  date: string;
  times: { fromMinute: number; toMinute: number }[];
  because: string[];
}

/** One local day. */
export interface Day {
  day: number;
  /** In minutes of this day, including those that began the day before. */
  closures: Closure[];
  special: SpecialDay | null;
  /** Yesterday's special hours, which may continue past midnight. */
  before: SpecialDay | null;
}

/** Calendar times with the same reason, sorted and without overlaps. */
interface Spans {
  because: string | undefined;
  spans: Span[];
}

interface Ready {
  closedBy: Map<string, Closure[]>;
  specialBy: Map<string, Schedule['special']>;
  closedSpans: Spans[];
  openSpans: Span[];
  /** Cached, because decisions are about today. */
  today: Day | null;
}

const readySchedules = new WeakMap<Schedule, Ready>();

export function dayAt(schedule: Schedule, day: number): Day {
  const ready = prepare(schedule);
  if (ready.today?.day === day) return ready.today;
  ready.today = {
    day,
    closures: ready.closedBy.size === 0 ? [] : closuresOf(ready.closedBy, day),
    special: specialOf(ready.specialBy, day),
    before: specialOf(ready.specialBy, day - 1),
  };
  return ready.today;
}

/** The calendar events that close the schedule now, one for each reason. */
export function closedEventsAt(schedule: Schedule, atMs: number): Span[] {
  return prepare(schedule).closedSpans.flatMap(({ spans }) => spanAt(spans, atMs) ?? []);
}

/** The event of a calendar of opening hours that is taking place now. */
export function openEventAt(schedule: Schedule, atMs: number): Span | null {
  return spanAt(prepare(schedule).openSpans, atMs);
}

/** When calendar times begin and end, from `fromMs` to `toMs`. */
export function eventEdges(schedule: Schedule, fromMs: number, toMs: number): number[] {
  const { closedSpans, openSpans } = prepare(schedule);
  const lists = [...closedSpans.map(({ spans }) => spans), openSpans];
  return lists.flatMap((spans) => {
    const first = firstEndingAfter(spans, fromMs - 1);
    let end = first;
    while (end < spans.length && (spans[end]?.fromMs ?? 0) <= toMs) end += 1;
    return spans.slice(first, end).flatMap((span) => [span.fromMs, span.toMs]);
  });
}

function prepare(schedule: Schedule): Ready {
  const known = readySchedules.get(schedule);
  if (known !== undefined) return known;
  const byReason = Map.groupBy(schedule.closedSpans, ({ because }) => because);
  const ready: Ready = {
    closedBy: Map.groupBy(schedule.closed, ({ date }) => date),
    specialBy: Map.groupBy(schedule.special, ({ date }) => date),
    closedSpans: [...byReason].map(([because, spans]) => ({
      because,
      spans: withoutOverlaps(spans),
    })),
    openSpans: withoutOverlaps(schedule.openSpans),
    today: null,
  };
  readySchedules.set(schedule, ready);
  return ready;
}

/**
 * The closures of the day, by date and by mm-dd, and those of yesterday that continue after
 * midnight.
 */
function closuresOf(closedBy: Ready['closedBy'], day: number): Closure[] {
  const of = (date: string) => [
    ...(closedBy.get(date) ?? []),
    ...(closedBy.get(date.slice(-5)) ?? []),
  ];
  return [
    ...of(dateOf(day)),
    ...of(dateOf(day - 1)).map((closure) => ({
      ...closure,
      fromMinute: closure.fromMinute - 1440,
      toMinute: closure.toMinute - 1440,
    })),
  ];
}

function specialOf(specialBy: Ready['specialBy'], day: number): SpecialDay | null {
  if (specialBy.size === 0) return null;
  const full = dateOf(day);
  const entries = specialBy.get(full) ?? specialBy.get(full.slice(-5));
  if (entries === undefined) return null;
  const fewest = Math.min(...entries.map(({ days }) => days));
  const winners = entries.filter(({ days }) => days === fewest);
  return {
    date: full,
    times: winners.flatMap(({ times }) => times ?? []),
    because: [...new Set(winners.flatMap(({ because }) => because ?? []))],
  };
}

/** Where events overlap, the first to begin names the time; each keeps what is its own. */
function withoutOverlaps(spans: readonly Span[]): Span[] {
  const apart: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const fromMs = Math.max(span.fromMs, apart.at(-1)?.toMs ?? span.fromMs);
    if (fromMs < span.toMs) apart.push({ ...span, fromMs });
  }
  return apart;
}

function spanAt(spans: readonly Span[], atMs: number): Span | null {
  const span = spans[firstEndingAfter(spans, atMs)];
  return span !== undefined && span.fromMs <= atMs ? span : null;
}

function firstEndingAfter(spans: readonly Span[], atMs: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.toMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
