/**
 * What a report is asked for: by what its sums are added up, over which span, compared with which.
 */
import { DAY_MS, offsetMs, reachedAt } from '../rules/schedules/zone.ts';
import { HOUR_MS } from './sums.ts';

export const REPORT_BY = ['hour', 'day', 'number', 'rule', 'target', 'row', 'outcome'] as const;
export type ReportBy = (typeof REPORT_BY)[number];
export const REPORT_COMPARE = ['previous', 'week'] as const;
export type ReportCompare = (typeof REPORT_COMPARE)[number];

/** Whole hours: [from, to). */
export interface Span {
  from: number;
  to: number;
}

export interface ReportAsked {
  from: number;
  to: number;
  by: ReportBy;
  compare: ReportCompare | null;
  /** The zone that days are counted in. An hour belongs to the day in which it begins there. */
  zone: string;
}

/** As somebody wrote it; null: the last seven days. */
export type ReportGiven = Omit<ReportAsked, 'from' | 'to'> & {
  from: number | null;
  to: number | null;
};

const DAYS_DEFAULT = 7;
const DAYS_MAX = 1_100;
const HOURLY_DAYS_MAX = 92;
/**
 * Rounding, zones and the span compared with move times by up to three years, and their years must
 * keep four digits.
 */
const FIRST_MS = 0;
const LAST_MS = Date.UTC(9999, 0);

/**
 * `now`: by the clock that dates calls, or later. If the times are refused, the reason is returned
 * in words.
 */
export function reportAsked(
  given: ReportGiven,
  now: number,
): ReportAsked | { field: 'from' | 'to'; problem: string } {
  const to = Math.ceil((given.to ?? now) / HOUR_MS) * HOUR_MS;
  const from = Math.floor((given.from ?? to - DAYS_DEFAULT * DAY_MS) / HOUR_MS) * HOUR_MS;
  if (from < FIRST_MS) return { field: 'from', problem: 'it is before 1970' };
  if (to > LAST_MS) return { field: 'to', problem: 'it is after the year 9998' };
  if (to <= from) return { field: 'to', problem: 'it is not after "from"' };
  const daysMax = given.by === 'hour' ? HOURLY_DAYS_MAX : DAYS_MAX;
  if (to - from > daysMax * DAY_MS) {
    const what = given.by === 'hour' ? 'a report by hour' : 'a report';
    return { field: 'from', problem: `${what} covers at most ${daysMax} days` };
  }
  return { ...given, from, to };
}

/** The span to compare with: of the same length just before, or the same days a week earlier. */
export function spanBefore({ from, to, zone, compare }: ReportAsked): Span | null {
  if (compare === null) return null;
  // By local time, so that whole days are compared even if clocks were changed in between.
  const back = compare === 'week' ? 7 * DAY_MS : wallAt(zone, to) - wallAt(zone, from);
  const earlier = (ms: number) =>
    Math.floor(reachedAt(zone, wallAt(zone, ms) - back) / HOUR_MS) * HOUR_MS;
  return { from: earlier(from), to: compare === 'previous' ? from : earlier(to) };
}

/** The local time; midnight for the beginning of a day whose midnight was skipped. */
export function wallAt(zone: string, ms: number): number {
  const wallMs = ms + offsetMs(zone, ms);
  const midnightMs = Math.floor(wallMs / DAY_MS) * DAY_MS;
  return reachedAt(zone, midnightMs) === ms ? midnightMs : wallMs;
}
