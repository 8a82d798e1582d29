/** The texts for times, numbers and names. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { now } from '../server/server-time.js';
import { tone, withoutRule, word } from './states.js';

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** The browser's zone, used for every time on the page. */
export const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'local time';

export function clock(iso) {
  return TIME.format(new Date(iso));
}

export function moment(iso) {
  const date = new Date(iso);
  const today = new Date(now()).toDateString() === date.toDateString();
  return today ? TIME.format(date) : `${DAY.format(date)}, ${TIME.format(date)}`;
}

const HOUR = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: 'short' });

/** 14:00, in the browser's zone. */
export function hour(iso) {
  return HOUR.format(new Date(iso));
}

/** Mon 23 Nov, in the browser's zone. */
export function day(iso) {
  const date = new Date(iso);
  return `${WEEKDAY.format(date)} ${DAY.format(date)}`;
}

const SHORT_DAY = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' });

/** Mon 23 */
export function shortDay(iso) {
  return SHORT_DAY.format(new Date(iso));
}

/** Noon of a date (yyyy-mm-dd), in the browser's zone. */
export function noon(date) {
  return `${date}T12:00`;
}

/** Mon 14:00; for today only the time; beyond a week the date. */
export function until(iso) {
  const date = new Date(iso);
  const today = new Date(now()).toDateString() === date.toDateString();
  const far = Math.abs(date.getTime() - now()) > 6 * 86_400_000;
  const day = today ? '' : `${far ? DAY.format(date) : WEEKDAY.format(date)} `;
  return html`<time datetime=${iso} title=${iso}>${day}${HOUR.format(date)}</time>`;
}

export function time(iso) {
  return iso === null ? '–' : html`<time datetime=${iso} title=${iso}>${moment(iso)}</time>`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.floor((ms % 60_000) / 1_000);
  if (minutes < 60) return seconds === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function age(from, until) {
  const end = until === null ? now() : Date.parse(until);
  return duration(Math.max(0, end - Date.parse(from)));
}

/** Amounts are decimal text and are not converted. */
export function money(costs) {
  return costs.length === 0
    ? '–'
    : costs.map(({ amount, currency }) => `${amount} ${currency}`).join(', ');
}

export function count(n, word, words = `${word}s`) {
  return `${n} ${n === 1 ? word : words}`;
}

/** Several values of a line, such as names and links. */
export function joined(parts, separator = ', ') {
  return parts.map((part, index) => html`${index === 0 ? nothing : separator}${part}`);
}

/**
 * Text written by a caller or a far end. Control characters and bidirectional marks are shown as a
 * box, and <bdi> keeps the rest of the line in order.
 */
export function said(text, otherwise = 'unknown') {
  if (text === null || text === undefined || text === '') {
    return html`<span class="faint">${otherwise}</span>`;
  }
  return html`<bdi>${plain(text)}</bdi>`;
}

export function plain(text) {
  return String(text).replace(UNSEEN, '\u25af');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it replaces
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A caller or one of our numbers, linked to their calls. */
export function party(number, otherwise = 'anonymous') {
  if (number === null || number === '') return said(number, otherwise);
  return html`<a class="party" href=${`#/calls?q=${encodeURIComponent(number)}`} title=${`All calls of ${plain(number)}`}>${said(number)}</a>`;
}

export function badge(name) {
  return html`<span class="badge ${tone(name)}">${word(name)}</span>`;
}

export function ruleName(call) {
  if (call.rule !== null) return said(call.rule);
  return html`<span class="faint">${withoutRule(call)}</span>`;
}

/**
 * @param {string | null} target
 * @param {string | null} [sipAddress]
 */
export function targetName(target, sipAddress = null) {
  return target === null ? said(sipAddress, 'literal destination') : said(target);
}

/** Until when, by whom and why there is an override. */
export function heldWords({ until, reason, by }) {
  return html`<span class="faint">${until === null ? 'until further notice' : html`until ${time(until)}`}${
    by === null ? nothing : html`, by ${said(by)}`
  }${reason === null ? nothing : html`: ${said(reason)}`}</span>`;
}
