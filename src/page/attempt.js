/** One attempt to move the caller: its target, its verdict, and what to do about a failure. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { isSip } from './story-mode.js';
import { age, plain, said, time } from './words.js';

/**
 * @typedef {ReturnType<typeof import('../http/api/calls-json.ts').callDetail>} Detail
 * @typedef {Detail['attempts'][number]} Attempt
 */

/**
 * The details below an attempt's bar.
 *
 * @param {Attempt} attempt
 */
export function attemptDetail(attempt) {
  const { kind, sip_address, reason } = attempt;
  return html`${
    isSip()
      ? html`<p class="small">${kind} <code class="break">${plain(sip_address)}</code></p>
        <p class="small faint">${times(attempt)}</p>`
      : nothing
  }
    ${reason === null || (!isSip() && isTelnyxName(reason)) ? nothing : html`<p>${said(reason)}</p>`}
    ${adviceText(attempt.advice)}`;
}

/** A reason such as `call.refer.failed 486` says nothing that the verdict does not. */
function isTelnyxName(reason) {
  return reason.startsWith('call.');
}

function times({ started_at, accepted_at, ended_at, sip_notify_response, progress }) {
  /** @type {unknown[]} */
  const parts = [html`started ${time(started_at)}`];
  if (accepted_at !== null) parts.push(html`accepted after ${age(started_at, accepted_at)}`);
  if (ended_at !== null)
    parts.push(html`verdict after ${age(accepted_at ?? started_at, ended_at)}`);
  if (progress && ended_at === null) parts.push('the far end reports progress');
  if (sip_notify_response !== null) parts.push(html`SIP ${sip_notify_response}`);
  return parts.map((part, index) => html`${index === 0 ? nothing : ' · '}${part}`);
}

/** The same words as in the log. */
export function adviceText(advice) {
  if (advice === null || advice === undefined) return nothing;
  return html`<dl class="advice">
    <dt>What it means</dt><dd>${advice.meaning}</dd>
    <dt>Likely cause</dt><dd>${advice.cause}</dd>
    <dt>What to do</dt><dd>${advice.fix}</dd>
  </dl>`;
}

/** The rule that matched; everything that was tried before it can be unfolded. */
export function matchedRule(trace) {
  const match = trace.find(({ matched }) => matched);
  if (trace.length === 0) return html`<p class="faint">No decision has been made.</p>`;
  return html`${
    match === undefined
      ? html`<p>No rule matched.</p>`
      : html`<p><strong>${said(match.rule)}</strong> matched: ${said(match.why)}</p>`
  }
    <details><summary class="small">${trace.length === 1 ? 'The rule' : `All ${trace.length} rules`} that ${trace.length === 1 ? 'was' : 'were'} tried</summary>${traceTable(trace)}</details>`;
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
