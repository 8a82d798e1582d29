/**
 * Which number, target, rule, day or hour loses callers: a table for each, compared with an earlier
 * period.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { LOST } from '../calls/pages.js';
import { lostOf } from '../words/outcomes.js';
import { day, duration, hour, money, noon, said } from '../words/words.js';
import { outcomeShare } from './charts.js';
import { daySpan, hourSpan } from './period.js';

const NAMES = {
  number: { one: 'Our number', filter: 'number' },
  target: { one: 'Target', filter: 'target' },
  rule: { one: 'Rule', filter: 'rule' },
  row: { one: 'Row of a table', filter: 'number' },
  day: { one: 'Day', filter: null },
  hour: { one: 'Hour', filter: null },
};
const BEFORE = {
  week: 'The same hours a week before',
  previous: 'In the period just before, which is as long',
};
/** A number has at most 16 characters, and is never broken. */
const LONG_WORD = /\S{17}/;

/**
 * Ordered by lost callers, the most first; days, and hours with callers, in their own order.
 *
 * @param {keyof typeof NAMES} by
 * @param {{
 *   rows: any[], from: string, to: string, zone: string, compare: 'week' | 'previous' | null,
 * }} report
 * @param {{ max?: number, more?: boolean }} options `more`: also what an engineer asks
 */
export function lossTable(by, report, { max = Infinity, more = false } = {}) {
  const { compare } = report;
  const lines = linesOf(by, report);
  if (lines.length === 0) return html`<p class="empty">No callers in this period.</p>`;
  const { one, filter } = NAMES[by];
  return html`<div class="scroll"><table class=${more ? 'groups cards short' : 'groups'}>
    <caption class="hidden">${one}: callers, how many were lost, and how many reached somebody</caption>
    <thead><tr><th scope="col">${one}</th><th scope="col" class="number">Callers</th><th scope="col" class="number">Reached</th>
      <th scope="col" class="number">Lost</th>${compare === null ? nothing : html`<th scope="col" class="number">Lost before</th>`}<th scope="col" class="bar-cell">Outcomes</th>
      ${more ? html`<th scope="col" class="number" title="Half of the tries took less">Typical try</th><th scope="col" class="number">Cost</th>` : nothing}</tr></thead>
    <tbody>${lines.slice(0, max).map((row) => {
      const query = queryOf(by, row, report);
      const name = nameOf(by, row);
      return html`<tr>
        <th scope="row" class=${filter === null ? 'when' : LONG_WORD.test(name) ? 'long-word' : nothing}>${query === null ? html`<span class="faint">${name}</span>` : html`<a href=${linkTo(query)}>${said(name)}</a>`}${numberBeside(row)}</th>
        <td class="number" data-name="Callers">${row.calls}</td>
        <td class="number" data-name="Reached">${row.outcomes.reached}</td>
        <td class="number" data-name="Lost">${lostLink(row, query)}</td>
        ${compare === null ? nothing : html`<td class="number faint" data-name="Lost before" title=${BEFORE[compare]}>${earlier(row)}</td>`}
        <td class="bar-cell">${outcomeShare(row.outcomes)}</td>
        ${more ? html`<td class="number" data-name="Typical try">${duration(row.median_verdict_ms)}</td><td class="number" data-name="Cost">${money(row.costs)}</td>` : nothing}
      </tr>`;
    })}</tbody>
  </table></div>`;
}

/** Hours without callers are left out, because most of them are at night. */
function linesOf(by, { rows }) {
  if (by === 'day') return rows;
  if (by === 'hour') return rows.filter(({ calls, before }) => calls > 0 || before?.calls > 0);
  return rows.toSorted((a, b) => lostOf(b) - lostOf(a) || b.calls - a.calls);
}

function nameOf(by, { key, label }) {
  if (by === 'day') return day(noon(key));
  return by === 'hour' ? `${day(key)} ${hour(key)}` : label;
}

/**
 * The number in a row key such as `lines:+4930901820`; null for a prefix or a whole table, which
 * stand for many numbers.
 */
function numberOfRow(key) {
  const number = key?.split(':')[1] ?? null;
  return number === null || number.includes('*') ? null : number;
}

/** The number beside a label that is shown in its place. */
function numberBeside({ key, label }) {
  if (key === null || key === label) return nothing;
  return html` <span class="faint small">${said(key)}</span>`;
}

/** The filter for a line's calls; null if no filter finds them. */
function queryOf(by, { key }, report) {
  const { from, to } = report;
  if (by === 'day') return daySpan(key, report);
  if (by === 'hour') return hourSpan(key);
  const named = by === 'row' ? numberOfRow(key) : key;
  return named === null ? null : { [NAMES[by].filter]: named, since: from, until: to };
}

/** If there were no callers then, there is nothing to compare with. */
function earlier({ before }) {
  return before === null || before.calls === 0 ? '–' : lostOf(before);
}

function lostLink(row, query) {
  const lost = lostOf(row);
  if (lost === 0 || query === null) return lost;
  return html`<a class="bad-text" href=${linkTo({ ...query, outcome: LOST })} title="The callers who were lost">${lost}</a>`;
}

function linkTo(query) {
  return `#/calls?${new URLSearchParams(query)}`;
}
