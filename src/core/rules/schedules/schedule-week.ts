/**
 * A schedule day by day, for people: when it is open by its own clocks, and where an override
 * decides. The past follows the hours, because an override that has ended is not kept.
 */
import { inForce, type Overrides } from '../override.ts';
import type { Schedule } from '../rule.ts';
import { changes, closedBecause, isOpenAt } from './schedule.ts';
import { dateOf, dayOf } from './wall.ts';
import { DAY_MS, offsetMs, reachedAt } from './zone.ts';

/** `[fromMs, toMs)`. */
export interface OpenSpan {
  fromMs: number;
  toMs: number;
  open: boolean;
  /** An operator's override decides, not the hours. */
  forced: boolean;
  /** Why it is closed, where the routes say so. */
  because: string[];
}

/** One local day, of 23 or 25 hours where clocks change. */
export interface ScheduleDay {
  date: string;
  fromMs: number;
  toMs: number;
  spans: OpenSpan[];
}

/** More cannot be drawn; only a calendar can have so many. */
const CHANGES_MAX = 1_000;

/** This many days, today first; null if it opens and closes more often than can be shown. */
export function scheduleDays(
  schedule: Schedule,
  nowMs: number,
  count: number,
  overrides: Overrides,
): ScheduleDay[] | null {
  const { zone } = schedule;
  const today = dayOf(nowMs + offsetMs(zone, nowMs));
  const starts = Array.from({ length: count + 1 }, (_, n) => reachedAt(zone, (today + n) * DAY_MS));
  const [first = nowMs] = starts;
  const spans = spansOf(
    schedule,
    nowMs,
    { fromMs: first, toMs: starts.at(-1) ?? nowMs },
    overrides,
  );
  if (spans === null) return null;
  // Asked day by day: a night may end in a holiday.
  const withReason = (span: OpenSpan): OpenSpan =>
    span.open || span.forced
      ? span
      : { ...span, because: closedBecause(schedule, span.fromMs, {}) };
  return starts.slice(0, -1).map((fromMs, n) => {
    const day = { fromMs, toMs: starts[n + 1] ?? fromMs };
    const own = spans.flatMap((span) => within(span, day)).map(withReason);
    return { date: dateOf(today + n), ...day, spans: own };
  });
}

interface Bounds {
  fromMs: number;
  toMs: number;
}

function spansOf(
  schedule: Schedule,
  nowMs: number,
  bounds: Bounds,
  overrides: Overrides,
): OpenSpan[] | null {
  const hours = spansOfHours(schedule, bounds);
  const override = inForce(overrides.schedules, schedule.name, nowMs);
  if (hours === null || override === undefined) return hours;
  const { open, sinceMs = nowMs, untilMs } = override;
  const held: Bounds = { fromMs: Math.min(sinceMs, nowMs), toMs: untilMs ?? Infinity };
  return [
    ...hours.flatMap((span) => within(span, { fromMs: -Infinity, toMs: held.fromMs })),
    ...within({ ...held, open, forced: true, because: [] }, bounds),
    ...hours.flatMap((span) => within(span, { fromMs: held.toMs, toMs: Infinity })),
  ];
}

function spansOfHours(schedule: Schedule, { fromMs, toMs }: Bounds): OpenSpan[] | null {
  const days = Math.ceil((toMs - fromMs) / DAY_MS);
  const found = changes(schedule, fromMs, CHANGES_MAX, {}, days);
  if (found.length === CHANGES_MAX) return null;
  const first = { atMs: fromMs, open: isOpenAt(schedule, fromMs, {}) };
  const edges = [first, ...found.filter(({ atMs }) => atMs < toMs)];
  return edges.map(({ atMs, open }, n) => {
    return { fromMs: atMs, toMs: edges[n + 1]?.atMs ?? toMs, open, forced: false, because: [] };
  });
}

/** The part of the span within the bounds; none if it is outside them. */
function within(span: OpenSpan, bounds: Bounds): OpenSpan[] {
  const fromMs = Math.max(span.fromMs, bounds.fromMs);
  const toMs = Math.min(span.toMs, bounds.toMs);
  return fromMs < toMs ? [{ ...span, fromMs, toMs }] : [];
}
