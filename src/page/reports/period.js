/** The period of a report: named days, or chosen dates. It is stored in the page's address. */
import { now } from '../server/server-time.js';
import { midnight } from '../words/midnight.js';
import { ZONE } from '../words/words.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const PERIODS = new Map([
  ['week', 'Last 7 days'],
  ['today', 'Today'],
  ['yesterday', 'Yesterday'],
  ['last-week', 'Last week'],
  ['month', 'Last 30 days'],
  ['last-month', 'Last month'],
  ['days', 'Chosen days'],
]);
export const BY = new Map([
  ['day', 'by day'],
  ['hour', 'by hour'],
  ['number', 'by our number'],
  ['target', 'by target'],
  ['rule', 'by rule'],
  ['row', 'by row of tables'],
  ['outcome', 'by outcome'],
]);
export const COMPARED = new Map([
  ['week', 'against the week before'],
  ['previous', 'against the period before'],
  ['none', 'not compared'],
]);

/**
 * @typedef {{
 *   period: string, by: string, compare: string, from?: string, to?: string, zone: string,
 * }} Asked
 *
 * `from` and `to` are instants, so that a colleague in another time zone sees the same callers.
 *
 * @param {Record<string, string>} params of the address
 * @returns {Asked}
 */
export function askedOf({ period, by, compare, from, to, zone }) {
  const chosen = from !== undefined && to !== undefined;
  const named = period !== undefined && PERIODS.has(period) && period !== 'days' ? period : 'week';
  return {
    period: chosen ? 'days' : named,
    by: by !== undefined && BY.has(by) ? by : 'day',
    compare: compare !== undefined && COMPARED.has(compare) ? compare : 'week',
    ...(chosen ? { from, to } : {}),
    zone: chosen && zone !== undefined ? zone : ZONE,
  };
}

/** @param {Asked} asked */
export function addressOf({ period, by, compare, from, to, zone }) {
  const time = period === 'days' ? { from: from ?? '', to: to ?? '', zone } : { period };
  return `#/reports?${new URLSearchParams({ ...time, by, compare })}`;
}

/**
 * The API's query. Without `to`, the period lasts until now.
 *
 * @param {Asked} asked
 */
export function queryOf({ by, compare, zone, ...asked }) {
  return { ...spanOf(asked), by, compare: compare === 'none' ? undefined : compare, zone };
}

/** @param {{ period: string, from?: string, to?: string }} asked */
function spanOf({ period, from, to }) {
  const today = new Date(now());
  const weekday = (today.getDay() + 6) % 7;
  switch (period) {
    case 'today':
      return { from: midnight() };
    case 'yesterday':
      return { from: midnight(1), to: midnight() };
    case 'last-week':
      return { from: midnight(weekday + 7), to: midnight(weekday) };
    case 'month':
      return { from: midnight(29) };
    case 'last-month':
      return { from: firstOfMonth(today, -1), to: firstOfMonth(today, 0) };
    case 'days':
      return { from, to };
    default:
      return { from: midnight(6) };
  }
}

function firstOfMonth(date, months) {
  return new Date(date.getFullYear(), date.getMonth() + months, 1).toISOString();
}

/**
 * The first and the last day, in the form of a date field.
 *
 * @param {Asked} asked
 */
export function datesOf(asked) {
  const { from, to = new Date(now()).toISOString() } = spanOf(asked);
  return { first: dateOf(Date.parse(from ?? '')), last: dateOf(Date.parse(to) - 1) };
}

/**
 * From the beginning of one day to the end of another, in the browser's time zone, in either order.
 *
 * @param {string} first
 * @param {string} last
 */
export function momentsOf(first, last) {
  const [from = first, to = first] = [first, last].toSorted();
  return { from: startOf(from), to: startOf(to, 1) };
}

/** Midnight of a date, or of a later day. */
function startOf(date, days = 0) {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return new Date(year, month - 1, day + days).toISOString();
}

function dateOf(ms) {
  if (Number.isNaN(ms)) return '';
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

/**
 * The period of one day in the report; null if the report's days are in another time zone than the
 * browser's.
 *
 * @param {string} key yyyy-mm-dd
 * @param {{ from: string, to: string, zone: string }} report
 */
export function daySpan(key, { from, to, zone }) {
  if (zone !== ZONE) return null;
  const { from: since, to: until } = momentsOf(key, key);
  return { since: since < from ? from : since, until: until > to ? to : until };
}

/** @param {string} key the start of an hour */
export function hourSpan(key) {
  const start = Date.parse(key);
  return {
    since: new Date(start).toISOString(),
    until: new Date(start + HOUR_MS).toISOString(),
  };
}

/** The approximate number of days that a report covers. */
export function daysIn({ from, to }) {
  return (Date.parse(to) - Date.parse(from)) / DAY_MS;
}
