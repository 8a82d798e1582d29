/** Days and times as a clock on the wall shows them: days are numbered from 1970-01-01. */
import { DAY_MS, offsetMs } from './zone.ts';

export function dayOf(wallMs: number): number {
  return Math.floor(wallMs / DAY_MS);
}

/** ISO: Monday is 1. Day 0, 1970-01-01, was a Thursday. */
export function weekdayOf(day: number): number {
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

/** yyyy-mm-dd */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** "Sunday 2026-03-01 10:00 (America/New_York)" */
export function wallText(zone: string, atMs: number): string {
  const wallMs = atMs + offsetMs(zone, atMs);
  const [date, time = ''] = new Date(wallMs).toISOString().split('T');
  const weekday = WEEKDAYS[weekdayOf(dayOf(wallMs)) - 1];
  return `${weekday} ${date} ${time.slice(0, 5)} (${zone})`;
}
