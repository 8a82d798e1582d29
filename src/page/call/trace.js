/** The rules that were tried for a call, from the top, and the one that matched. */
import { html } from '/assets/lit-html/lit-html.js';
import { said } from '../words/words.js';

/** The rule that matched; everything that was tried before it can be unfolded. */
export function matchedRule(trace) {
  const match = trace.find(({ matched }) => matched);
  if (trace.length === 0) return html`<p class="faint">No decision has been made.</p>`;
  return html`${
    match === undefined
      ? html`<p>No rule matched.</p>`
      : html`<p><strong>${said(match.rule)}</strong> matched: ${said(match.why)}</p>`
  }
    <details><summary class="small">${trace.length === 1 ? 'The rule' : `The ${trace.length} rules`} that ${trace.length === 1 ? 'was' : 'were'} tried</summary>${traceTable(trace)}</details>`;
}

export function traceTable(trace) {
  if (trace.length === 0) return html`<p class="faint">No decision has been made.</p>`;
  return html`<table class="trace">
    <caption class="hidden">Rules tried, from the top</caption>
    <thead><tr><th scope="col">Rule</th><th scope="col">Matched</th><th scope="col">Why</th></tr></thead>
    <tbody>
      ${trace.map(
        ({ rule, matched, why }) => html`<tr class=${matched ? 'matched' : ''}>
          <th scope="row">${said(rule)}</th>
          <td>${matched ? html`<span class="badge good">yes</span>` : html`<span class="faint">no</span>`}</td>
          <td>${said(why)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}
