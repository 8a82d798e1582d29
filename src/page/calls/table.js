/** Calls as a table, with a row for each. */
import { repeat } from '/assets/lit-html/directives/repeat.js';
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { plainStanding, standing, tone } from '../words/states.js';
import { age, party, plain, ruleName, said, time } from '../words/words.js';

/** @typedef {ReturnType<typeof import('../../http/api/calls/calls-json.ts').callSummary>} CallSummary */

/**
 * The most important columns first: how the call ended for the caller, then who called, then the
 * rest.
 */
export function callTable(calls, caption) {
  return html`<table class="calls">
    <caption class="hidden">${caption}</caption>
    <thead><tr><th scope="col">What became of the caller</th><th scope="col">From</th><th scope="col">To</th>
      <th scope="col">Rule</th><th scope="col">Came</th><th scope="col" class="number" title="How long the call was with us: from its first webhook until its end was known">With us</th></tr></thead>
    <tbody>${repeat(calls, ({ call_control_id: id }) => id, callRow)}</tbody>
  </table>`;
}

/** @param {CallSummary} call */
function callRow(call) {
  const href = `#/calls/${encodeURIComponent(call.call_control_id)}`;
  const name = standing(call);
  return html`<tr data-call=${call.call_control_id}>
    <td class="became"><span class="dot ${tone(name)}" title=${plainStanding(call)}></span><a class="open"
      href=${href} title=${plain(call.summary)}>${said(call.summary)}</a></td>
    <td class="from">${party(call.from)}</td>
    <td class="to"><span class="arrow" aria-hidden="true">→ </span>${party(call.to, 'unknown')}${call.label ? html` <span class="faint">${said(call.label)}</span>` : nothing}</td>
    <td class="rule">${ruleName(call)}</td>
    <td class="came">${time(call.created_at)}</td>
    <td class="number lasts">${age(call.created_at, call.ended_at)}</td>
  </tr>`;
}
