/**
 * Seven days of a schedule as a strip, from the server's data: open, closed, overridden, and now.
 */
import { html, nothing, svg } from '/assets/lit-html/lit-html.js';
import { joined, said } from '../words/words.js';

/** Formats in UTC, because a date has no zone. */
const DATE = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  day: 'numeric',
  timeZone: 'UTC',
});

/**
 * @param {any} schedule as GET /v1/schedules?days=7 has it
 * @param {number} nowMs by the server's clock
 */
export function weekStrip({ zone, days }, nowMs) {
  if (days === null) return html`<p class="faint">It opens and closes too often to be drawn.</p>`;
  return html`<ol class="week">${days.map(
    (day, index) => html`<li>
      <span class="week-day ${index === 0 ? '' : 'faint'}">${index === 0 ? 'Today' : DATE.format(new Date(`${day.date}T00:00Z`))}</span>
      ${bar(day, nowMs)}
      <span class="week-hours">${hoursOf(day, zone)}</span>
    </li>`,
  )}</ol>`;
}

function bar(day, nowMs) {
  const from = Date.parse(day.from);
  const length = Date.parse(day.to) - from;
  const at = (ms) => `${((ms - from) / length) * 100}%`;
  const isToday = nowMs >= from && nowMs < from + length;
  return html`<svg class="week-bar" aria-hidden="true">
    ${day.spans.map((span) => {
      const start = Date.parse(span.from);
      const width = `${((Date.parse(span.to) - start) / length) * 100}%`;
      return svg`${span.open ? svg`<rect class="fill-good" x=${at(start)} width=${width} height="100%"></rect>` : nothing}
        ${span.forced ? svg`<rect class="fill-doubtful" x=${at(start)} width=${width} y="12" height="4"></rect>` : nothing}`;
    })}
    ${isToday ? svg`<line class="week-now" x1=${at(nowMs)} x2=${at(nowMs)} y1="0" y2="100%"></line>` : nothing}
  </svg>`;
}

/** "09:00–12:00, 13:00–17:00", "closed (holiday)", "by hand closed 14:00–16:00". */
function hoursOf(day, zone) {
  const shown = day.spans.filter(({ open, forced }) => open || forced);
  const because = [...new Set(day.spans.flatMap((span) => span.because))];
  const why =
    because.length === 0
      ? nothing
      : html` <span class="faint">(${said(because.join(', '))})</span>`;
  if (shown.length === 0) return html`<span class="faint">closed</span>${why}`;
  return html`${joined(shown.map((span) => spanText(span, day, zone)))}${why}`;
}

function spanText({ from, to, open, forced }, day, zone) {
  const isWhole = from === day.from && to === day.to;
  const hours = isWhole
    ? 'all day'
    : `${wallTime(from, zone)}–${to === day.to ? '24:00' : wallTime(to, zone)}`;
  if (forced)
    return html`<span class="by-hand">${open ? 'open' : 'closed'} by hand ${hours}</span>`;
  return isWhole ? 'open all day' : html`<span class="hours-of">${hours}</span>`;
}

/** By what they show and the zone. */
const formats = new Map();

/** 09:00, in the given time zone. */
export function wallTime(iso, zone) {
  return formatOf('time', zone).format(new Date(iso));
}

/** "today at 17:00", "on Mon 30 Nov at 09:00". */
export function wallMoment(iso, zone, nowMs) {
  const dates = formatOf('date', zone);
  const date = dates.format(new Date(iso));
  const isToday = date === dates.format(nowMs);
  return `${isToday ? 'today' : `on ${date}`} at ${wallTime(iso, zone)}`;
}

/**
 * Cached, because creating a format is slow. A browser that does not know the zone shows UTC and
 * says so.
 */
function formatOf(kind, zone) {
  const name = `${kind} ${zone}`;
  const known = formats.get(name);
  if (known !== undefined) return known;
  const parts =
    kind === 'time'
      ? /** @type {const} */ ({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
      : /** @type {const} */ ({ weekday: 'short', day: 'numeric', month: 'short' });
  const made = inZone(parts, zone);
  formats.set(name, made);
  return made;
}

/** @param {Intl.DateTimeFormatOptions} parts @param {string} zone */
function inZone(parts, zone) {
  try {
    return new Intl.DateTimeFormat(undefined, { ...parts, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat(undefined, { ...parts, timeZone: 'UTC', timeZoneName: 'short' });
  }
}
