/** The bar above every view: the views, the search, the connection, and who is signed in. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { tidyNumber, valuesOf } from '../forms/fields.js';
import { whoami } from '../server/session.js';

const NAVIGATION = [
  ['overview', '#/', 'Overview'],
  ['calls', '#/calls', 'Calls'],
  ['explain', '#/explain', 'Explain'],
  ['routes', '#/routes', 'Routes'],
  ['reports', '#/reports', 'Reports'],
  ['activity', '#/activity', 'Activity'],
  ['outbox', '#/outbox', 'Out to Telnyx'],
];

/**
 * @param {string} open the name of the open view
 * @param {unknown} connection
 * @param {() => void} leave
 */
export function bar(open, connection, leave) {
  return html`
    <a class="skip" href="#main" @click=${skip}>Skip to the content</a>
    <header class="bar">
      <a class="brand" href="#/"><img src="/assets/page/icon.svg" alt="" width="22" height="22">Referee</a>
      <nav aria-label="Views">
        ${NAVIGATION.map(
          ([view, href, text]) => html`<a href=${href}
            aria-current=${isHere(view, open) ? 'page' : nothing}>${text}</a>`,
        )}
      </nav>
      <form class="search" role="search" @submit=${search}>
        <input name="text" aria-label="Number, call id or name" placeholder="Number, id, name" autocomplete="off"
          autocapitalize="off" spellcheck="false" maxlength="1024">
        <button>Find</button>
      </form>
      ${connection}
      <p class="who">${whoami()?.name} <span class="faint">${whoami()?.role}</span></p>
      <button class="quiet" @click=${leave}>Sign out</button>
    </header>`;
}

function isHere(view, open) {
  return open === view || (view === 'calls' && open === 'call');
}

function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function search(event) {
  event.preventDefault();
  const { text = '' } = valuesOf(event.target);
  if (text === '') return;
  event.target.reset();
  const isId = /^v\d:/.test(text) || /^[\da-f]{8}-[\da-f]{4}-/i.test(text);
  location.hash = isId
    ? `#/calls/${encodeURIComponent(text)}`
    : `#/calls?q=${encodeURIComponent(tidyNumber(text))}`;
}
