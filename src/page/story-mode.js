/**
 * Whose words a call is told in: a support lead's, or SIP's with its codes and Telnyx's names. The
 * browser remembers the choice.
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
    // Then the choice lasts as long as the page.
  }
}
