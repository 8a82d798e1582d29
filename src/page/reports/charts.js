/** Small charts made of rectangles: callers by hour, and parts of a whole. */
import { html, nothing, svg } from '/assets/lit-html/lit-html.js';
import { OUTCOMES, tone, word } from '../words/states.js';
import { day, hour, noon, shortDay } from '../words/words.js';
import { daySpan, daysIn, hourSpan } from './period.js';

/** A bar's share of its slot; the rest is the gap. */
const BAR_SHARE = 0.78;
const EVERY_HOURS = 3;
/** Maximum number of names below a chart, so that they fit on a phone. */
const NAMES_MAX = 7;
/** More bars than this are so thin on a phone that an edge around each would hide them. */
const EDGED_MAX = 48;
/** A part of fewer pixels would be hidden by the edge, too. */
const EDGED_PX_MIN = 4;
/** As in page.css. */
const CHART_PX = 120;

/**
 * Stacked bars of callers, one for each hour that has begun; each links to its calls. A table below
 * has the same numbers for people who cannot see the bars.
 */
export function hourChart(rows) {
  return timeChart(rows, {
    slots: Math.max(24, rows.length),
    every: EVERY_HOURS,
    name: ({ key }) => hour(key),
    href: ({ key }) => callsOfHour(key),
  });
}

/**
 * The bars of a report by hour or day; a line across a bar shows the number of callers in the
 * previous period.
 */
export function reportChart(report) {
  const { by, rows } = report;
  const isHours = by === 'hour';
  const ofRow = ({ key }) => (isHours ? key : noon(key));
  return html`<div class="of-report">${timeChart(rows, {
    slots: Math.max(7, rows.length),
    every: everyOf(report),
    name: (row) => (isHours && daysIn(report) <= 2 ? hour : shortDay)(ofRow(row)),
    title: (row) => `${day(ofRow(row))}${isHours ? ` ${hour(row.key)}` : ''}`,
    beside: report.compare !== null,
    href({ key }) {
      if (isHours) return callsOfHour(key);
      const span = daySpan(key, report);
      return span === null ? null : `#/calls?${new URLSearchParams(span)}`;
    },
  })}</div>${report.compare === null ? nothing : html`<p class="faint small">The line across a bar: all callers ${report.compare === 'week' ? 'a week before' : 'in the period just before'}.</p>`}`;
}

/** How many bars share one name: with hours over more than two days, only midnights are named. */
function everyOf(report) {
  const { by, rows } = report;
  const days = daysIn(report);
  if (by === 'hour' && days > 2) return 24 * Math.ceil(days / NAMES_MAX);
  return Math.max(1, Math.ceil(rows.length / NAMES_MAX));
}

/**
 * @param {any[]} rows of a report
 * @param {{
 *   slots: number, every: number, name: (row: any) => string, title?: (row: any) => string,
 *   href: (row: any) => string | null, beside?: boolean,
 * }} how `beside`: with the callers of before
 */
function timeChart(rows, { slots, every, name, title = name, href, beside = false }) {
  const heights = rows.map(({ calls, before }) => Math.max(calls, beside ? before.calls : 0));
  const most = Math.max(4, ...heights);
  const width = slots > EDGED_MAX ? 'thin' : '';
  return html`<div class="hours ${width}" aria-hidden="true">
      <span class="faint small most">${most}</span>
      <svg class="chart" preserveAspectRatio="none">
        <line class="grid" x1="0" x2="100%" y1="0.5" y2="0.5"></line>
        <line class="grid" x1="0" x2="100%" y1="100%" y2="100%"></line>
        ${rows.map((row, index) => {
          const place = { x: (index / slots) * 100, width: (100 / slots) * BAR_SHARE, most };
          return svg`${bar(row, place, title(row), href(row))}${beside ? beforeLine(row.before, place) : nothing}`;
        })}
      </svg>
      <svg class="hour-names">${rows.map((row, index) =>
        index % every === 0
          ? svg`<text x=${`${(index / slots) * 100}%`} y="12">${name(row)}</text>`
          : nothing,
      )}</svg>
    </div>`;
}

function bar(row, { x, width, most }, name, href) {
  const some = present(row.outcomes);
  const total = some.reduce((sum, outcome) => sum + row.outcomes[outcome], 0);
  // At least a pixel, so that an hour with callers never looks like one without.
  const whole = Math.max(total / most, 1 / CHART_PX) * 100;
  let y = 100;
  const parts = some.map((outcome) => {
    const height = (row.outcomes[outcome] / total) * whole;
    y -= height;
    const low = (height / 100) * CHART_PX < EDGED_PX_MIN ? 'low' : '';
    return svg`<rect class="part ${low} fill-${tone(outcome)}" x=${`${x}%`} width=${`${width}%`} y=${`${y}%`} height=${`${height}%`}></rect>`;
  });
  if (parts.length === 0) return nothing;
  const titled = svg`<title>${barWords(row, name)}</title>${parts}`;
  return href === null ? svg`<g>${titled}</g>` : svg`<a href=${href} tabindex="-1">${titled}</a>`;
}

function beforeLine({ calls }, { x, width, most }) {
  if (calls === 0) return nothing;
  const y = `${100 - (calls / most) * 100}%`;
  return svg`<line class="before" x1=${`${x}%`} x2=${`${x + width}%`} y1=${y} y2=${y}></line>`;
}

function barWords({ outcomes }, name) {
  return `${name}: ${wordsOf(outcomes)}`;
}

function present(outcomes) {
  return OUTCOMES.filter((outcome) => outcomes[outcome] > 0);
}

function wordsOf(outcomes) {
  return present(outcomes)
    .map((outcome) => `${outcomes[outcome]} ${word(outcome)}`)
    .join(', ');
}

function callsOfHour(key) {
  return `#/calls?${new URLSearchParams(hourSpan(key))}`;
}

export function hourTable(rows) {
  const shown = OUTCOMES.filter((outcome) => rows.some(({ outcomes }) => outcomes[outcome] > 0));
  return html`<details><summary class="small faint">As a table</summary>
    <div class="scroll"><table class="cards short">
      <caption class="hidden">Callers by hour</caption>
      <thead><tr><th scope="col">Hour</th><th scope="col" class="number">Callers</th>
        ${shown.map((outcome) => html`<th scope="col" class="number">${word(outcome)}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (row) => html`<tr><th scope="row"><a href=${callsOfHour(row.key)}>${hour(row.key)}</a></th>
          <td class="number" data-name="Callers">${row.calls}</td>
          ${shown.map((outcome) => html`<td class=${row.outcomes[outcome] === 0 ? 'number zero' : 'number'} data-name=${word(outcome)}>${row.outcomes[outcome]}</td>`)}</tr>`,
      )}</tbody>
    </table></div></details>`;
}

/** The meaning of the colours with their numbers, which link to the calls. */
export function outcomeLegend(outcomes, query) {
  return html`<ul class="legend">${present(outcomes).map(
    (outcome) => html`<li><span class="dot ${tone(outcome)}"></span><a
          href=${`#/calls?${new URLSearchParams({ ...query, outcome })}`}>${outcomes[outcome]} ${word(outcome)}</a></li>`,
  )}</ul>`;
}

/** Callers by outcome, as parts that together fill the strip. */
export function outcomeShare(outcomes) {
  const parts = present(outcomes);
  // Nothing to show for a target that was tried but never reached.
  if (parts.length === 0) return nothing;
  const total = parts.reduce((sum, outcome) => sum + outcomes[outcome], 0);
  let x = 0;
  const rects = parts.map((outcome) => {
    const width = (outcomes[outcome] / total) * 100;
    const rect = svg`<rect x=${`${x}%`} y="0" width=${`${width}%`} height="100%" class=${`fill-${tone(outcome)}`}></rect>`;
    x += width;
    return rect;
  });
  const words = wordsOf(outcomes);
  return html`<svg class="share" role="img" aria-label=${words}>${rects}${svg`<title>${words}</title>`}</svg>`;
}
