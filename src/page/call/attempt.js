/** One attempt to move the caller: its target, its verdict, and what to do about a failure. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { isSip } from '../words/story-mode.js';
import { age, joined, plain, said, time } from '../words/words.js';

/**
 * @typedef {import('./call.js').CallDetail['attempts'][number]} Attempt
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
    ${reason === null || !isReasonShown(attempt) ? nothing : html`<p>${said(reason)}</p>`}
    ${adviceText(attempt.advice, reason)}`;
}

/**
 * In plain words a reason is folded with the advice. Where there is none, such as for a target that
 * was skipped, it is shown, unless it is an event's name, which says nothing that the verdict
 * does not.
 *
 * @param {Attempt} attempt
 */
function isReasonShown({ advice, reason }) {
  return isSip() || (advice === null && !reason?.startsWith('call.'));
}

function times({ started_at, accepted_at, ended_at, sip_notify_response, progress }) {
  /** @type {unknown[]} */
  const parts = [html`started ${time(started_at)}`];
  if (accepted_at !== null) parts.push(html`accepted after ${age(started_at, accepted_at)}`);
  if (ended_at !== null)
    parts.push(html`verdict after ${age(accepted_at ?? started_at, ended_at)}`);
  if (progress && ended_at === null) parts.push('the target reports progress');
  if (sip_notify_response !== null) parts.push(html`SIP ${sip_notify_response}`);
  return joined(parts, ' · ');
}

/**
 * The same words as in the log. In plain words the cause and the fix are folded, because they name
 * settings and SIP messages.
 *
 * @param {import('../../telnyx/advice.ts').Advice | null | undefined} advice
 * @param {string | null} [reason] what the machine noted, shown beside the cause
 */
export function adviceText(advice, reason = null) {
  if (advice === null || advice === undefined) return nothing;
  const repair = html`<dt>Likely cause</dt><dd>${advice.cause}</dd>
    <dt>What to do</dt><dd>${advice.fix}</dd>`;
  if (isSip()) {
    return html`<dl class="advice"><dt>What it means</dt><dd>${advice.meaning}</dd>${repair}</dl>`;
  }
  return html`<div class="advice plain"><p>${advice.meaning}</p>
    <details><summary class="faint small">For those who look after the routes</summary>
      <dl class="advice">${reason === null ? nothing : html`<dt>Reason</dt><dd>${said(reason)}</dd>`}${repair}</dl>
    </details></div>`;
}
