/** What Telnyx reported of a call: its ids, who called, what it cost, and its headers. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { count, plain, said } from '../words/words.js';

/** @typedef {import('./call.js').CallDetail} CallDetail */

/** @param {CallDetail} call */
export function factsPanel(call) {
  return html`<section class="panel" aria-labelledby="facts-title">
    <h2 id="facts-title">What Telnyx reported</h2>
    ${facts(call)}
  </section>`;
}

/** @param {CallDetail} call */
function facts(call) {
  const rows = [
    ['call_control_id', call.call_control_id],
    ['call_session_id', call.call_session_id],
    ['call_leg_id', call.call_leg_id],
    ['connection_id', call.connection_id],
    ['direction', call.direction],
    ['caller name', call.caller_name],
    ['caller type', call.caller_type],
    ['attestation', attestation(call)],
    ['cost', costWords(call)],
    ['tags', call.tags.length === 0 ? null : call.tags.join(', ')],
  ];
  return html`<dl class="facts">
      ${rows.map(([name, value]) => (value === null ? nothing : html`<div><dt>${name}</dt><dd class="break">${said(value)}</dd></div>`))}
    </dl>
    ${
      call.headers.length === 0
        ? nothing
        : html`<details><summary>${count(call.headers.length, 'header')} (written by the caller)</summary>
          <table class="headers"><tbody>
            ${call.headers.map(
              ({ name, value }) =>
                html`<tr><th scope="row"><bdi>${plain(name)}</bdi></th><td class="break">${said(value, 'empty')}</td></tr>`,
            )}
          </tbody></table></details>`
    }`;
}

/**
 * Of the call and its B-legs; null until Telnyx has said it.
 *
 * @param {CallDetail} call
 */
function costWords({ cost, other_costs: others }) {
  if (cost === null) return null;
  return [cost, ...others]
    .map(({ amount, currency, parts }) => {
      const each = parts.map(({ part, amount: own }) => `${part} ${own}`);
      return `${amount} ${currency} (${each.join(', ')})`;
    })
    .join('; ');
}

function attestation({ attestation: level, attestation_validated: validated }) {
  return level === null ? null : `${level}, ${validated ? 'validated' : 'not validated'}`;
}
