/** The head of a call: the way back, who called whom, and in one sentence what became of them. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { plainStanding, standing, tone, word } from '../words/states.js';
import { isSip } from '../words/story-mode.js';
import { age, said, time } from '../words/words.js';

/** @typedef {import('./call.js').CallDetail} CallDetail */

/**
 * @param {CallDetail | null} call null while it is loading
 * @param {string | null} from the list the operator came from, as a URL hash; null if none
 */
export function callHead(call, from) {
  return html`<header class="call-head">
    <p class="small">${backLink(from)}</p>
    <h1 tabindex="-1">${
      call === null
        ? 'Call'
        : html`${said(call.from, 'anonymous')} <span aria-hidden="true">→</span><span class="hidden">to</span> ${said(call.to)}${call.label ? ` (${call.label})` : ''}`
    }</h1>
    <div class="marks" role="status">${call === null ? nothing : marks(call)}</div>
  </header>`;
}

/** @param {CallDetail} call */
function marks(call) {
  const name = standing(call);
  const shown = isSip() ? word(name) : plainStanding(call);
  const exact = call.ends === null ? call.phase : `ends ${word(call.ends)}`;
  // The word for a live call is its phase, and that for a B-leg its end: neither is said twice.
  const more = isSip() && (call.ends ?? call.phase) !== name ? `, ${word(exact)}` : '';
  return html`<p class="lead"><span class="dot ${tone(name)}" title=${shown}></span><strong class="summary">${said(call.summary)}</strong></p>
    <p class="faint">${shown}${more};
      came ${time(call.created_at)}, with us for ${age(call.created_at, call.ended_at)}</p>`;
}

/** Back to the list with its filter, page and scroll position. */
function backLink(from) {
  const isList = from !== null && /^(?:#?\/?$|#\/calls(?:\?|$))/.test(from);
  if (!isList) return html`<a href="#/calls">← All calls</a>`;
  return html`<a href=${from === '' ? '#/' : from} @click=${goBack}>← ${from.startsWith('#/calls') ? 'Calls' : 'Overview'}</a>`;
}

function goBack(event) {
  // With a modifier key the link opens in another tab, which has no history.
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.back();
}
