/**
 * Whether a schedule is open. Hours are local time of its zone, also on days with 23 or 25 hours: a
 * local time in a gap never occurs, and one in an overlap counts twice. An override takes
 * precedence over everything, a special day over closed times, and closed over open.
 */
import { isWritable } from '../../iso-time.ts';
import { inForce, type Overrides, reasonOf } from '../override.ts';
import type { Schedule } from '../rule.ts';
import {
  closedEventsAt,
  type Day,
  dayAt,
  eventEdges,
  openEventAt,
  type SpecialDay,
} from './schedule-days.ts';
import { dayOf, wallText, weekdayOf } from './wall.ts';
import { DAY_MS, MINUTE_MS, momentsOfWall, nextClockChange, offsetMs } from './zone.ts';

export interface ScheduleState {
  open: boolean;
  why: string;
}

/** A time at which a schedule opens or closes. */
export interface Change extends ScheduleState {
  atMs: number;
}

/** How far ahead `changes` looks: far enough for a closure on 29 February. */
const CHANGE_HORIZON_DAYS = 3_000;

/** In words: "office is closed on Sunday 2026-03-01 10:00 (America/New_York)", then the reason. */
export function isOpen(schedule: Schedule, atMs: number, overrides: Overrides): ScheduleState {
  const { open, reason } = stateAt(schedule, atMs, overrides);
  const word = open ? 'open' : 'closed';
  return {
    open,
    why: `${schedule.name} is ${word} on ${wallText(schedule.zone, atMs)}${reasonText(reason)}`,
  };
}

/** The same without words, for rules that are only being tried. */
export function isOpenAt(schedule: Schedule, atMs: number, overrides: Overrides): boolean {
  return stateAt(schedule, atMs, overrides).open;
}

/**
 * The reasons (`because`) for which the schedule is closed now, also outside its weekly hours. None
 * while it is open or overridden.
 */
export function closedBecause(schedule: Schedule, atMs: number, overrides: Overrides): string[] {
  const { open, reason } = stateAt(schedule, atMs, overrides);
  if (open || reason.kind === 'override') return [];
  const { day, minute } = localTime(schedule.zone, atMs);
  const { special, closures } = dayAt(schedule, day);
  if (special !== null) return special.because;
  const covering = [
    ...closures.filter((closure) => covers(closure, minute)),
    ...closedEventsAt(schedule, atMs),
  ];
  return [...new Set(covering.flatMap(({ because }) => because ?? []))];
}

/**
 * The next `count` times after `fromMs`, within this many days, at which the schedule opens or
 * closes.
 */
export function changes(
  schedule: Schedule,
  fromMs: number,
  count: number,
  overrides: Overrides,
  days = CHANGE_HORIZON_DAYS,
): Change[] {
  const found: Change[] = [];
  let open = isOpenAt(schedule, fromMs, overrides);
  // In steps of 24 hours, because local days can overlap when clocks go back over midnight.
  for (let day = 0; day < days; day += 1) {
    const startMs = fromMs + day * DAY_MS;
    for (const moment of momentsOfChange(schedule, startMs, startMs + DAY_MS, overrides)) {
      if (!isWritable(moment)) return found;
      if (isOpenAt(schedule, moment, overrides) === open) continue;
      open = !open;
      found.push({ atMs: moment, ...isOpen(schedule, moment, overrides) });
      if (found.length >= count) return found;
    }
  }
  return found;
}

type Reason =
  | { kind: 'override'; untilMs: number | null; zone: string; said: string }
  | { kind: 'special'; day: SpecialDay }
  | { kind: 'closed'; date: string; because: string | undefined }
  | { kind: 'busy'; summary: string; because: string | undefined }
  | { kind: 'event'; summary: string }
  | { kind: 'hours' };

interface State {
  open: boolean;
  reason: Reason;
}

const IN_HOURS: State = { open: true, reason: { kind: 'hours' } };
const OUT_OF_HOURS: State = { open: false, reason: { kind: 'hours' } };

function stateAt(schedule: Schedule, atMs: number, overrides: Overrides): State {
  const { zone } = schedule;
  const override = inForce(overrides.schedules, schedule.name, atMs);
  if (override !== undefined) {
    const { open, untilMs } = override;
    return { open, reason: { kind: 'override', untilMs, zone, said: reasonOf(override) } };
  }
  const { day, minute } = localTime(zone, atMs);
  const today = dayAt(schedule, day);
  const special = specialAt(today, minute);
  if (special !== null) return special;
  for (const closure of today.closures) {
    if (!covers(closure, minute)) continue;
    const { date, because } = closure;
    return { open: false, reason: { kind: 'closed', date, because } };
  }
  const [busy] = schedule.closedSpans.length === 0 ? [] : closedEventsAt(schedule, atMs);
  if (busy !== undefined) {
    return { open: false, reason: { kind: 'busy', summary: busy.summary, because: busy.because } };
  }
  if (opensAt(schedule, today, minute)) return IN_HOURS;
  const event = schedule.openSpans.length === 0 ? null : openEventAt(schedule, atMs);
  if (event !== null) return { open: true, reason: { kind: 'event', summary: event.summary } };
  return OUT_OF_HOURS;
}

function localTime(zone: string, atMs: number): { day: number; minute: number } {
  const wallMs = atMs + offsetMs(zone, atMs);
  const day = dayOf(wallMs);
  return { day, minute: Math.floor((wallMs - day * DAY_MS) / MINUTE_MS) };
}

function covers(time: { fromMinute: number; toMinute: number }, minute: number): boolean {
  return minute >= time.fromMinute && minute < time.toMinute;
}

/** Yesterday's special hours continue past midnight, whatever today is. */
function specialAt({ special, before }: Day, minute: number): State | null {
  if (before?.times.some((time) => covers(time, minute + 1440))) {
    return { open: true, reason: { kind: 'special', day: before } };
  }
  if (special === null) return null;
  const open = special.times.some((time) => covers(time, minute));
  return { open, reason: { kind: 'special', day: special } };
}

/**
 * Hours of the previous day may continue: 22:00-06:00 is minutes 1320 to 1800 of its first day. A
 * special day has no weekly hours, so none that could continue either.
 */
function opensAt({ open }: Schedule, { day, before }: Day, minute: number): boolean {
  const today = weekdayOf(day);
  const yesterday = today === 1 ? 7 : today - 1;
  for (const time of open) {
    if (covers(time, minute) && time.days.includes(today)) return true;
    if (before === null && minute + 1440 < time.toMinute && time.days.includes(yesterday)) {
      return true;
    }
  }
  return false;
}

const WHOLE_DAY = { fromMinute: 0, toMinute: 1440 };

/** Every time after `fromMs` up to `toMs` at which the state could change, sorted. */
function momentsOfChange(
  schedule: Schedule,
  fromMs: number,
  toMs: number,
  overrides: Overrides,
): number[] {
  const moments = new Set<number>();
  const firstDay = dayOf(fromMs + offsetMs(schedule.zone, fromMs)) - 1;
  for (let day = firstDay; day <= firstDay + 3; day += 1) {
    const weekday = weekdayOf(day);
    const weekly = schedule.open.filter(({ days }) => days.includes(weekday));
    const { closures, special } = dayAt(schedule, day);
    const specials = special === null ? [] : [WHOLE_DAY, ...special.times];
    for (const { fromMinute, toMinute } of [...weekly, ...closures, ...specials]) {
      for (const minute of [fromMinute, toMinute]) {
        const wallMs = day * DAY_MS + minute * MINUTE_MS;
        for (const moment of momentsOfWall(schedule.zone, wallMs)) moments.add(moment);
      }
    }
  }
  for (const edge of eventEdges(schedule, fromMs, toMs)) moments.add(edge);
  for (let at = nextClockChange(schedule.zone, fromMs); at <= toMs; ) {
    moments.add(at);
    at = nextClockChange(schedule.zone, at);
  }
  const override = inForce(overrides.schedules, schedule.name, fromMs);
  if (override !== undefined && override.untilMs !== null) moments.add(override.untilMs);
  return [...moments].filter((moment) => moment > fromMs && moment <= toMs).sort((a, b) => a - b);
}

function reasonText(reason: Reason): string {
  switch (reason.kind) {
    case 'hours':
      return '';
    case 'special':
      return `: ${reason.day.date} is a special day${inBrackets(reason.day.because.join(', '))}`;
    case 'closed':
      return `: ${reason.date} is among its closed times${inBrackets(reason.because)}`;
    case 'busy': {
      const event = reason.summary === '' ? 'its calendar' : reason.summary;
      return `: ${event} is a closed time${inBrackets(reason.because)}`;
    }
    case 'event':
      return `: ${reason.summary === '' ? 'an event' : reason.summary} is in its calendar`;
    case 'override': {
      const until =
        reason.untilMs === null ? '' : ` until ${wallText(reason.zone, reason.untilMs)}`;
      return `: overridden by an operator${until}${inBrackets(reason.said)}`;
    }
  }
}

function inBrackets(text: string | null | undefined): string {
  return text ? ` (${text})` : '';
}
