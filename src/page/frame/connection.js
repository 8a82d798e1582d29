/** Whether updates arrive and the server is ready, as the bar shows it. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { readiness } from './readiness.js';

const WORDS = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Connection lost. Retrying…',
  full: 'Not live: too many pages are open',
};

const NOT_READY_WORDS = {
  store: 'Store down',
  starting: 'Starting…',
  stopping: 'Stopping…',
};

export function connectionMark(changed) {
  /** @type {keyof typeof WORDS} */
  let state = 'connecting';
  /** @type {{ reason: string, detail: string } | null} */
  let notReady = null;

  readiness((found) => {
    notReady = found;
    changed();
  });

  return {
    /** @param {keyof typeof WORDS} now of the event stream */
    set(now) {
      state = now;
      changed();
    },
    /** Green only while updates arrive and the server is ready. */
    template() {
      const trouble = state === 'live' ? notReady : null;
      return html`<p class="connection ${trouble === null ? state : 'troubled'}" role="status"
        title=${trouble?.detail ?? nothing}>${
          trouble === null ? WORDS[state] : (NOT_READY_WORDS[trouble.reason] ?? 'Not ready')
        }</p>`;
    },
  };
}
