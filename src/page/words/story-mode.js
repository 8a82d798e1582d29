/**
 * How a call's story is told: in plain words for a support lead, or with SIP codes and Telnyx's
 * event names. The browser remembers the choice.
 */
import { html } from '/assets/lit-html/lit-html.js';

const KEPT = 'referee-words';
const MODES = /** @type {const} */ ([
  ['simple', 'Simple'],
  ['sip', 'SIP'],
]);

/** @type {'simple' | 'sip'} */
let mode = kept();

export function isSip() {
  return mode === 'sip';
}

export function modeSwitch(changed) {
  return html`<span class="switch" role="group" aria-label="Words">${MODES.map(
    ([name, text]) => html`<button aria-pressed=${mode === name ? 'true' : 'false'}
      @click=${() => {
        mode = name;
        keep();
        changed();
      }}>${text}</button>`,
  )}</span>`;
}

function kept() {
  try {
    return localStorage.getItem(KEPT) === 'sip' ? 'sip' : 'simple';
  } catch {
    // Storage is disabled.
    return 'simple';
  }
}

function keep() {
  try {
    localStorage.setItem(KEPT, mode);
  } catch {
    // The choice is then only kept until the page is closed.
  }
}
