/**
 * Whether a schedule is open. Hours are local time of its zone, also on days with 23 or 25 hours: a
 * local time in a gap never occurs, and one in an overlap counts twice. An override takes
 * precedence over everything, and closed over open.
 */
import type { Overrides, Schedule } from './rule.ts';
import { DAY_MS, MINUTE_MS, momentsOfWall, nextClockChange, offsetMs } from './zone.ts';

export interface ScheduleState {
  open: boolean;
  why: string;
}

export interface Switch {
  atMs: number;
  open: boolean;
  why: string;
}

/** How far ahead `switches` looks: far enough for a closure on 29 February. */
const SWITCH_HORIZON_DAYS = 3_000;

/** In words: "office is closed on Sunday 2026-03-01 10:00 (America/New_York)", then the reason. */
export function isOpen(schedule: Schedule, atMs: number, overrides: Overrides): ScheduleState {
  const { open, reason } = stateAt(schedule, atMs, overrides);
  const word = open ? 'open' : 'closed';
  return {
    open,
    why: `${schedule.name} is ${word} on ${wallText(schedule.zone, atMs)}${reasonText(reason)}`,
  };
}

/** The same without words, for rules that are only tried. */
export function isOpenAt(schedule: Schedule, atMs: number, overrides: Overrides): boolean {
  return stateAt(schedule, atMs, overrides).open;
}

/** The next `count` times after `fromMs` at which the schedule opens or closes. */
export function switches(
  schedule: Schedule,
  fromMs: number,
  count: number,
  overrides: Overrides,
): Switch[] {
  const found: Switch[] = [];
  let open = isOpenAt(schedule, fromMs, overrides);
  // In steps of 24 hours, because local days can overlap when clocks go back over midnight.
  for (let day = 0; day < SWITCH_HORIZON_DAYS; day += 1) {
    const startMs = fromMs + day * DAY_MS;
    for (const moment of momentsOfChange(schedule, startMs, startMs + DAY_MS, overrides)) {
      if (isOpenAt(schedule, moment, overrides) === open) continue;
      open = !open;
      found.push({ atMs: moment, ...isOpen(schedule, moment, overrides) });
      if (found.length >= count) return found;
    }
  }
  return found;
}

type Reason =
  | { kind: 'override'; untilMs: number | null; zone: string }
  | { kind: 'closed'; date: string }
  | { kind: 'busy'; summary: string }
  | { kind: 'hours' };

const IN_HOURS: { open: boolean; reason: Reason } = { open: true, reason: { kind: 'hours' } };
const OUT_OF_HOURS: { open: boolean; reason: Reason } = { open: false, reason: { kind: 'hours' } };

function stateAt(
  schedule: Schedule,
  atMs: number,
  overrides: Overrides,
): { open: boolean; reason: Reason } {
  const forced = Object.hasOwn(overrides, schedule.name) ? overrides[schedule.name] : undefined;
  if (forced !== undefined && (forced.untilMs === null || atMs < forced.untilMs)) {
    const reason = { kind: 'override' as const, untilMs: forced.untilMs, zone: schedule.zone };
    return { open: forced.open, reason };
  }
  const ready = prepare(schedule);
  const wallMs = atMs + offsetMs(schedule.zone, atMs);
  const day = dayOf(wallMs);
  const minute = Math.floor((wallMs - day * DAY_MS) / MINUTE_MS);

  if (!opensAt(schedule, day, minute)) return OUT_OF_HOURS;
  const closure = closureAt(ready, day, minute);
  if (closure !== null) return { open: false, reason: { kind: 'closed', date: closure } };
  const busy = busyAt(ready.spans, atMs);
  return busy === null ? IN_HOURS : { open: false, reason: { kind: 'busy', summary: busy } };
}

/** Hours of the previous day may continue: 22:00-06:00 is minutes 1320 to 1800 of its first day. */
function opensAt(schedule: Schedule, day: number, minute: number): boolean {
  const today = weekdayOf(day);
  const yesterday = today === 1 ? 7 : today - 1;
  for (const { days, fromMinute, toMinute } of schedule.open) {
    if (minute >= fromMinute && minute < toMinute && days.includes(today)) return true;
    if (minute + 1440 < toMinute && days.includes(yesterday)) return true;
  }
  return false;
}

/**
 * A schedule prepared once: closures by date, calendar times sorted and merged, the last day
 * cached.
 */
interface Ready {
  byDate: Map<string, Schedule['closed']>;
  spans: Schedule['closedSpans'];
  /** Closures of `day` in its minutes; cached, because decisions ask about today. */
  day: number;
  closures: Schedule['closed'];
}

const readySchedules = new WeakMap<Schedule, Ready>();

function prepare(schedule: Schedule): Ready {
  const known = readySchedules.get(schedule);
  if (known !== undefined) return known;
  const byDate = new Map<string, Schedule['closed']>();
  for (const closure of schedule.closed) {
    const same = byDate.get(closure.date);
    if (same === undefined) byDate.set(closure.date, [closure]);
    else same.push(closure);
  }
  const spans = joinSpans(schedule.closedSpans);
  const ready: Ready = { byDate, spans, day: Number.NaN, closures: [] };
  readySchedules.set(schedule, ready);
  return ready;
}

function joinSpans(spans: Schedule['closedSpans']): Schedule['closedSpans'] {
  const joined: Schedule['closedSpans'] = [];
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (span.toMs <= span.fromMs) continue;
    if (last !== undefined && span.fromMs < last.toMs) {
      last.toMs = Math.max(last.toMs, span.toMs);
    } else joined.push({ ...span });
  }
  return joined;
}

function closureAt(ready: Ready, day: number, minute: number): string | null {
  if (ready.byDate.size === 0) return null;
  if (ready.day !== day) {
    ready.closures = closuresOf(ready.byDate, day);
    ready.day = day;
  }
  for (const { fromMinute, toMinute, date } of ready.closures) {
    if (minute >= fromMinute && minute < toMinute) return date;
  }
  return null;
}

/** The closures of the day, by date and by mm-dd, and the rest of yesterday's after midnight. */
function closuresOf(byDate: Ready['byDate'], day: number): Schedule['closed'] {
  const today = dateOf(day);
  const yesterday = dateOf(day - 1);
  const of = (date: string) => [...(byDate.get(date) ?? []), ...(byDate.get(date.slice(-5)) ?? [])];
  return [
    ...of(today),
    ...of(yesterday).map(({ date, fromMinute, toMinute }) => ({
      date,
      fromMinute: fromMinute - 1440,
      toMinute: toMinute - 1440,
    })),
  ];
}

function busyAt(spans: Schedule['closedSpans'], atMs: number): string | null {
  const span = spans[firstEndingAfter(spans, atMs)];
  return span !== undefined && span.fromMs <= atMs ? span.summary : null;
}

function firstEndingAfter(spans: Schedule['closedSpans'], atMs: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.toMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Every time after `fromMs` up to `toMs` at which the state could change, sorted. */
function momentsOfChange(
  schedule: Schedule,
  fromMs: number,
  toMs: number,
  overrides: Overrides,
): number[] {
  const { byDate, spans } = prepare(schedule);
  const moments = new Set<number>();
  const firstDay = dayOf(fromMs + offsetMs(schedule.zone, fromMs)) - 1;
  for (let day = firstDay; day <= firstDay + 3; day += 1) {
    const weekday = weekdayOf(day);
    const times = schedule.open.filter(({ days }) => days.includes(weekday));
    for (const { fromMinute, toMinute } of [...times, ...closuresOf(byDate, day)]) {
      for (const minute of [fromMinute, toMinute]) {
        const wallMs = day * DAY_MS + minute * MINUTE_MS;
        for (const moment of momentsOfWall(schedule.zone, wallMs)) moments.add(moment);
      }
    }
  }
  for (const span of spansWithin(spans, fromMs, toMs)) moments.add(span.fromMs).add(span.toMs);
  for (let at = nextClockChange(schedule.zone, fromMs); at <= toMs; ) {
    moments.add(at);
    at = nextClockChange(schedule.zone, at);
  }
  const forced = Object.hasOwn(overrides, schedule.name) ? overrides[schedule.name] : undefined;
  if (forced !== undefined && forced.untilMs !== null) moments.add(forced.untilMs);
  return [...moments].filter((moment) => moment > fromMs && moment <= toMs).sort((a, b) => a - b);
}

function spansWithin(spans: Schedule['closedSpans'], fromMs: number, toMs: number) {
  const first = firstEndingAfter(spans, fromMs - 1);
  let end = first;
  while (end < spans.length && (spans[end]?.fromMs ?? 0) <= toMs) end += 1;
  return spans.slice(first, end);
}

function dayOf(wallMs: number): number {
  return Math.floor(wallMs / DAY_MS);
}

/** ISO: Monday is 1. Day 0, 1970-01-01, was a Thursday. */
function weekdayOf(day: number): number {
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** "Sunday 2026-03-01 10:00 (America/New_York)" */
export function wallText(zone: string, atMs: number): string {
  const wallMs = atMs + offsetMs(zone, atMs);
  const text = new Date(wallMs).toISOString();
  const weekday = WEEKDAYS[weekdayOf(dayOf(wallMs)) - 1];
  return `${weekday} ${text.slice(0, 10)} ${text.slice(11, 16)} (${zone})`;
}

function reasonText(reason: Reason): string {
  switch (reason.kind) {
    case 'hours':
      return '';
    case 'closed':
      return `: ${reason.date} is among its closed times`;
    case 'busy':
      return `: ${reason.summary === '' ? 'its calendar' : reason.summary} is a closed time`;
    case 'override':
      return reason.untilMs === null
        ? ': overridden by an operator'
        : `: overridden by an operator until ${wallText(reason.zone, reason.untilMs)}`;
  }
}
