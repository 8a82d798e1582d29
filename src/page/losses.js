/** Callers by our number, by target or by rule: who loses callers, the worst first, beside last week. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { LOST } from './call-pages.js';
import { outcomeShare } from './charts.js';
import { duration, money, said } from './words.js';

const NAMES = {
  number: { one: 'Our number', filter: 'number' },
  target: { one: 'Desk', filter: 'target' },
  rule: { one: 'Rule', filter: 'rule' },
};

/** Who hung up first, and who was let go: both did not reach anybody. */
export function lostOf({ outcomes }) {
  return outcomes.not_reached + outcomes.gave_up;
}

/**
 * @param {'number' | 'target' | 'rule'} by
 * @param {{ rows: any[], from: string, to: string }} report
 * @param {{ max?: number, more?: boolean }} options `more`: also what an engineer asks
 */
export function lossTable(by, { rows, from, to }, { max = Infinity, more = false } = {}) {
  if (rows.length === 0) return html`<p class="empty">No callers in this time.</p>`;
  const worst = rows.toSorted((a, b) => lostOf(b) - lostOf(a) || b.calls - a.calls);
  const { one, filter } = NAMES[by];
  return html`<div class="scroll"><table class="groups">
    <caption class="hidden">${one}: callers, how many were lost, and how many reached somebody</caption>
    <thead><tr><th scope="col">${one}</th><th scope="col" class="number">Callers</th><th scope="col" class="number">Reached</th>
      <th scope="col" class="number">Lost</th><th scope="col" class="number">Lost before</th><th scope="col">Outcomes</th>
      ${more ? html`<th scope="col" class="number">Median</th><th scope="col" class="number">Cost</th>` : nothing}</tr></thead>
    <tbody>${worst.slice(0, max).map((row) => {
      const span = { since: from, until: to };
      const query = row.key === null ? null : { [filter]: row.key, ...span };
      return html`<tr>
        <th scope="row">${query === null ? html`<span class="faint">${row.label}</span>` : html`<a href=${linkTo(query)}>${said(row.label)}</a>`}</th>
        <td class="number">${row.calls}</td>
        <td class="number">${row.outcomes.reached}</td>
        <td class="number">${lostLink(row, query)}</td>
        <td class="number faint" title="The same hours a week before">${earlier(row)}</td>
        <td class="bar-cell">${outcomeShare(row.outcomes)}</td>
        ${more ? html`<td class="number">${duration(row.median_verdict_ms)}</td><td class="number">${money(row.costs)}</td>` : nothing}
      </tr>`;
    })}</tbody>
  </table></div>`;
}

/** Without callers then there is nothing to compare with. */
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
