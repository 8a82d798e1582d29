/** The tables of the live routes, how often each row was used, and how those calls ended. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { outcomeShare } from '../reports/charts.js';
import { getJson } from '../server/api.js';
import { midnightOfStats } from '../words/midnight.js';
import { lostOf, outcomesOf } from '../words/outcomes.js';
import { count, party, said, time } from '../words/words.js';

const ROWS_SHOWN = 20;

/** Today's use; null if there are no tables. */
export function readUse(tables) {
  if (tables.length === 0) return null;
  return getJson('/v1/stats', { since: midnightOfStats() });
}

/**
 * @param {any[]} tables
 * @param {import('../server/api.js').Answer} stats
 * @param {{ number: string, label: string }[]} numbers
 */
export function tablesPanel(tables, stats, numbers) {
  if (tables.length === 0) return nothing;
  const useOf = new Map((stats?.tables ?? []).map((use) => [use.table, use]));
  const labels = new Map(numbers.map(({ number, label }) => [number, label]));
  return html`<section class="panel" aria-labelledby="tables-title">
    <h2 id="tables-title">Tables</h2>
    ${stats === null ? nothing : html`<p class="faint small">Callers since ${time(stats.since)} whose call was decided with a row of the table.</p>`}
    <div class="scroll" tabindex="0"><table class="groups cards"><caption class="hidden">Tables</caption>
      <thead><tr><th scope="col">Table</th><th scope="col" class="number">Callers</th><th scope="col" class="number">Rows used</th>
        <th scope="col" class="number">Rows</th><th scope="col">Looked up by</th><th scope="col">Columns</th><th scope="col">File</th></tr></thead>
      <tbody>${tables.map(
        ({ name, file, key, rows, columns }) => html`<tr>
          <th scope="row">${said(name)}</th>
          <td class="number" data-name="Callers">${useOf.get(name)?.calls ?? 0}</td>
          <td class="number" data-name="Rows used">${useOf.get(name)?.rows_used ?? 0}</td>
          <td class="number" data-name="Rows">${rows}</td>
          <td data-name="Looked up by">${key === 'to' ? 'number called' : 'caller'}</td>
          <td class="broad" data-name="Columns">${said(columns.join(', '))}</td>
          <td data-name="File"><code>${file}</code></td>
        </tr>`,
      )}</tbody></table></div>
    ${tables.map(({ name }) => (useOf.has(name) ? rowsUsed(useOf.get(name), labels) : nothing))}
  </section>`;
}

function rowsUsed({ table, rows, rows_used: used }, labels) {
  const shown = rows.slice(0, ROWS_SHOWN);
  const more = used - shown.length;
  return html`<details class="rows-used"><summary>Rows of ${said(table)} that were used</summary>
    <div class="scroll"><table class="groups"><caption class="hidden">Rows of ${table}: callers, and what became of them</caption>
      <thead><tr><th scope="col">Row</th><th scope="col" class="number">Callers</th><th scope="col" class="number">Reached</th>
        <th scope="col" class="number">Lost</th><th scope="col">Outcomes</th></tr></thead>
      <tbody>${shown.map((row) => {
        const outcomes = outcomesOf(row.by_outcome);
        return html`<tr>
          <th scope="row">${row.key.endsWith('*') ? said(row.key) : party(row.key)}${labels.has(row.key) ? html` <span class="faint">${said(labels.get(row.key))}</span>` : nothing}</th>
          <td class="number">${row.calls}</td>
          <td class="number">${outcomes.reached}</td>
          <td class="number">${lostOf({ outcomes })}</td>
          <td class="bar-cell">${outcomeShare(outcomes)}</td>
        </tr>`;
      })}</tbody></table></div>
    ${more === 0 ? nothing : html`<p class="faint small">and ${count(more, 'more row')}</p>`}
  </details>`;
}
