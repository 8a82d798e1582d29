/** The numbers of a report: a sentence, two periods side by side, and the outcomes. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { lostOf } from '../words/outcomes.js';
import { percentOf } from '../words/percent.js';
import { tone, word } from '../words/states.js';
import { count, duration, money } from '../words/words.js';

/** The names of the periods to compare with. */
const BESIDE = { week: 'The week before', previous: 'The period just before' };

/**
 * "380 of 412 callers reached somebody, 21 were lost. The week before, it was 350 of 390, with 30
 * lost."
 */
export function reportWords({ total, compare }) {
  const { calls, outcomes, before } = total;
  if (calls === 0) return html`No finished calls in this period.${earlier(before, compare)}`;
  const lost = lostOf(total);
  return html`<strong>${outcomes.reached} of ${count(calls, 'caller')}</strong> reached somebody, ${lost} ${lost === 1 ? 'was' : 'were'} lost.${earlier(before, compare)}`;
}

function earlier(before, compare) {
  if (before === null) return nothing;
  if (before.calls === 0)
    return html` <span class="faint">${BESIDE[compare]}, there were none.</span>`;
  return html` ${BESIDE[compare]}, it was ${before.outcomes.reached} of ${before.calls}, with ${lostOf(before)} lost.`;
}

/**
 * `value`: the number that a change is computed from. `of`: the total that it is a share of.
 *
 * @typedef {{
 *   name: string,
 *   value: (numbers: any) => number | null,
 *   text?: (numbers: any) => string,
 *   of?: (numbers: any) => number,
 * }} ReportNumber
 *
 * @type {ReportNumber[]}
 */
const NUMBERS = [
  { name: 'Callers', value: ({ calls }) => calls },
  { name: 'Reached somebody', value: ({ outcomes }) => outcomes.reached, of: ({ calls }) => calls },
  { name: 'Lost', value: lostOf, of: ({ calls }) => calls },
  { name: 'Targets tried', value: ({ attempts }) => attempts },
  {
    name: 'A typical try took',
    value: (numbers) => numbers.median_verdict_ms,
    text: (numbers) => duration(numbers.median_verdict_ms),
  },
  {
    name: '95 of 100 took less than',
    value: (numbers) => numbers.p95_verdict_ms,
    text: (numbers) => duration(numbers.p95_verdict_ms),
  },
  { name: 'Cost', value: () => null, text: ({ costs }) => money(costs) },
];

export function besideTable({ total, compare }) {
  const { before } = total;
  return html`<div class="scroll"><table class="groups">
    <caption class="hidden">The numbers of all callers${before === null ? '' : ', beside those of the earlier period'}</caption>
    <thead><tr><th scope="col">Number</th><th scope="col" class="number">This period</th>
      ${before === null ? nothing : html`<th scope="col" class="number">${BESIDE[compare]}</th><th scope="col" class="number">Change</th>`}</tr></thead>
    <tbody>${NUMBERS.map(
      (number) => html`<tr><th scope="row">${number.name}</th>
        <td class="number">${textOf(number, total)}</td>
        ${before === null ? nothing : html`<td class="number">${textOf(number, before)}</td><td class="number faint">${change(number.value(total), number.value(before))}</td>`}</tr>`,
    )}</tbody>
  </table></div>`;
}

/** @param {ReportNumber} number */
function textOf({ value, text, of }, numbers) {
  if (text !== undefined) return text(numbers);
  const all = of?.(numbers) ?? 0;
  const share =
    all === 0
      ? nothing
      : html` <span class="faint">(${percentOf(Number(value(numbers)) / all)})</span>`;
  return html`${value(numbers)}${share}`;
}

/** The change in percent; null if there was nothing before. */
function change(now, before) {
  if (now === null || before === null || before === 0) return '–';
  if (now === before) return 'the same';
  const by = Math.round((now / before - 1) * 100);
  if (by === 0) return now > before ? '< +1 %' : '> −1 %';
  return `${by > 0 ? '+' : '−'}${Math.abs(by)} %`;
}

export function outcomeTable({ rows, total, from, to, compare }) {
  const beside = total.before !== null;
  return html`<div class="scroll"><table class="groups">
    <caption class="hidden">Callers by what became of them</caption>
    <thead><tr><th scope="col">What became of them</th><th scope="col" class="number">Callers</th><th scope="col" class="number">Of all</th>
      ${beside ? html`<th scope="col" class="number">${BESIDE[compare]}</th><th scope="col" class="number">Change</th>` : nothing}</tr></thead>
    <tbody>${rows.map(
      ({ key, calls, before }) => html`<tr>
        <th scope="row"><span class="dot ${tone(key)}"></span><a href=${`#/calls?${new URLSearchParams({ outcome: key, since: from, until: to })}`}>${word(key)}</a></th>
        <td class="number">${calls}</td>
        <td class="number">${total.calls === 0 ? '–' : percentOf(calls / total.calls)}</td>
        ${beside ? html`<td class="number">${before.calls}</td><td class="number faint">${change(calls, before.calls)}</td>` : nothing}
      </tr>`,
    )}</tbody>
  </table></div>`;
}
